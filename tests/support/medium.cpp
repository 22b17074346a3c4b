// SPDX-License-Identifier: Apache-2.0
#include "support/medium.hpp"

#include "support/mounts.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <span>
#include <sstream>
#include <utility>

namespace pmend::world {
namespace {

constexpr int kReadyNumber = 3;
constexpr std::chrono::seconds kPatience{20};

std::string sector_line(const ByteRange& range) {
  const SectorRange sectors = touched_sectors(range);
  return std::to_string(sectors.first) + " " + std::to_string(sectors.count) + "\n";
}

}  // namespace

Medium::Medium(std::string directory, std::uint64_t size_bytes)
    : directory_(std::move(directory)), size_bytes_(size_bytes) {
  std::filesystem::create_directories(mount_dir());
  start();
}

Medium::~Medium() {
  process_.kill();
  if (mounted_) {
    detach_mount(mount_dir());
  }
}

void Medium::start() {
  std::array<int, 2> ends{};
  must_call(pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ChildOptions options;
  options.descriptors = {{writer.get(), kReadyNumber}};
  options.output_file = directory_ + "/medium.log";
  process_ = Child({program_directory() + "/pmend-medium", "--image", directory_ + "/image", "--size",
                    std::to_string(size_bytes_), "--mount", mount_dir(), "--state", directory_ + "/state", "--ready-fd",
                    std::to_string(kReadyNumber), "--own-namespace"},
                   options);
  writer.reset();
  pollfd ready{reader.get(), POLLIN, 0};
  char byte = 0;
  const bool answered = poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) == 1;
  if (!answered || read(reader.get(), &byte, 1) != 1) {
    process_.kill();
    throw Failure("pmend-medium did not start: " + read_text_file(options.output_file).value_or("no output"));
  }
  mounted_ = true;
}

void Medium::put(const std::string& file, const std::string& text) const {
  const UniqueFd fd = must(open_file(mount_dir() + "/" + file, O_WRONLY));
  const ssize_t n = write(fd.get(), text.data(), text.size());
  if (n != static_cast<ssize_t>(text.size())) {
    throw Failure(fail_errno("write '" + text + "' to " + file).value().message());
  }
}

std::string Medium::get(const std::string& file) const {
  return must(read_text_file(mount_dir() + "/" + file));
}

void Medium::poison(const std::vector<ByteRange>& ranges) {
  std::string lines;
  for (const ByteRange& range : ranges) {
    lines += sector_line(range);
  }
  put("badblocks", lines);
}

void Medium::add_phantom(const ByteRange& range) {
  put("poison", "phantom " + sector_line(range));
}
void Medium::unpoison(const ByteRange& range) {
  put("badblocks", "-" + sector_line(range));
}
kernel::BadblocksList Medium::badblocks() const {
  return must(kernel::parse_badblocks(get("badblocks")));
}
void Medium::set_mode(const std::string& words) {
  put("mode", words);
}
void Medium::gate(const std::string& command) {
  put("gate", command);
}

std::vector<ByteRange> Medium::poisoned() const {
  std::vector<ByteRange> ranges;
  std::istringstream lines(get("poison"));
  SectorRange sectors;
  std::string kind;
  while (lines >> sectors.first >> sectors.count >> kind) {
    if (kind == "poison") {
      ranges.push_back(must(to_bytes(sectors)));
    }
  }
  return ranges;
}

bool Medium::wait_for_parked(std::chrono::milliseconds limit) const {
  const UniqueFd fd = must(open_file(mount_dir() + "/gate", O_RDONLY));
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    std::array<char, 65536> text{};
    const ssize_t n = must_call(pread(fd.get(), text.data(), text.size(), 0), "read gate");
    if (std::string_view(text.data(), static_cast<std::size_t>(n)).find("parked") != std::string_view::npos) {
      return true;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd change{fd.get(), POLLPRI, 0};
    if (left.count() <= 0 || poll(&change, 1, static_cast<int>(left.count())) <= 0) {
      return false;
    }
  }
}

void Medium::kill() {
  process_.kill();
}

void Medium::restart() {
  kill();
  if (mounted_) {
    detach_mount(mount_dir());
    mounted_ = false;
  }
  start();
}

void Medium::stop() {
  if (mounted_) {
    unmount(mount_dir());
    mounted_ = false;
    process_.signal(SIGTERM);
  }
  if (process_.started() && !process_.wait(kPatience)) {
    throw Failure("pmend-medium does not end after its unmount");
  }
}

}  // namespace pmend::world
