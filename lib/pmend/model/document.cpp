// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/document.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace pmend {
namespace {

bool is_dev_null(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

tl::unexpected<ConfigProblem> about_file(const std::string& path, std::string message) {
  return tl::make_unexpected(ConfigProblem{path, std::nullopt, {}, std::move(message)});
}

tl::unexpected<ConfigProblem> cannot_read(const std::string& path, int number) {
  return about_file(path, "cannot be read: " + std::system_category().message(number));
}

// Grows with what is there, so that a file that changes its size meanwhile is read as it is.
tl::expected<std::string, ConfigProblem> read_limited(const std::string& path, const UniqueFd& fd) {
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return cannot_read(path, errno);
    }
    if (got == 0) {
      return text;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kConfigSizeLimit) {
      return about_file(path, "too long, expected at most " + std::to_string(kConfigSizeLimit) + " bytes");
    }
  }
}

}  // namespace

std::string ConfigProblem::to_string() const {
  std::string out = escape_bytes(file);
  if (place) {
    out += ":" + std::to_string(place->line) + ":" + std::to_string(place->column);
  }
  out += ": ";
  if (!pointer.empty()) {
    out += escape_bytes(pointer) + ": ";
  }
  return out + message;
}

std::string to_string(const ConfigProblems& problems) {
  std::string out;
  for (const ConfigProblem& problem : problems) {
    out += problem.to_string() + "\n";
  }
  return out;
}

tl::expected<std::optional<SourceText>, ConfigProblem> read_source(const std::string& path) {
  const auto fd = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) {
    return cannot_read(path, fd.error().code.value());
  }
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) {
    return cannot_read(path, errno);
  }
  if (is_dev_null(status)) {
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode)) {
    return about_file(path, S_ISDIR(status.st_mode) ? "is a directory, expected a file"
                                                    : "is a pipe, socket or device, expected a file");
  }
  auto text = read_limited(path, *fd);
  if (!text) {
    return tl::make_unexpected(std::move(text.error()));
  }
  return SourceText{path, std::move(*text)};
}

void read_document(const SourceText& source, ConfigProblems& problems, const DocumentReader& read) {
  JsonTextOptions options;
  options.comments = true;
  options.places = true;
  options.collect_duplicates = true;
  options.size_limit = kConfigSizeLimit;
  const auto parsed = parse_json_text(source.text, options);
  if (!parsed) {
    const JsonTextError& error = parsed.error();
    problems.push_back({source.file, error.place, error.pointer, error.message});
    return;
  }
  JsonProblems found;
  read(JsonReader(parsed->value, found), parsed->places);
  ConfigProblems placed;
  for (const JsonTextError& duplicate : parsed->duplicates) {
    placed.push_back({source.file, duplicate.place, duplicate.pointer, duplicate.message});
  }
  for (JsonProblem& problem : found) {
    const JsonPlace place = place_of(parsed->places, problem.pointer);
    placed.push_back({source.file, place, std::move(problem.pointer), std::move(problem.message)});
  }
  std::stable_sort(placed.begin(), placed.end(), [](const ConfigProblem& a, const ConfigProblem& b) {
    return std::pair(a.place->line, a.place->column) < std::pair(b.place->line, b.place->column);
  });
  problems.insert(problems.end(), std::make_move_iterator(placed.begin()), std::make_move_iterator(placed.end()));
}

std::optional<std::string> read_string(const JsonReader& in) {
  std::string text = in.string();
  if (text.empty() && in.value() != Json("")) {
    return std::nullopt;
  }
  return text;
}

}  // namespace pmend
