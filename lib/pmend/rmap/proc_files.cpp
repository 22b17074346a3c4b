// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/proc_files.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <limits>
#include <sstream>
#include <system_error>

namespace pmend::rmap {
namespace {

// Slices only group units.
constexpr std::array<std::string_view, 5> kUnitSuffixes = {".service", ".scope", ".socket", ".mount", ".swap"};

void visit_links(const std::string& directory, ProcFile file, const std::function<void(const ProcFile&)>& visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    file.link = it->path();
    if (stat(file.link.c_str(), &file.status) == 0) {
      visit(file);
    }
  }
}

OpenBy describe(const std::string& proc, std::uint32_t pid) {
  const std::string directory = proc + "/" + std::to_string(pid);
  OpenBy process;
  process.pid = pid;
  if (auto comm = read_text_file(directory + "/comm"); comm) {
    process.comm = comm->substr(0, comm->find_last_not_of('\n') + 1);
  }
  if (const auto cgroup = read_text_file(directory + "/cgroup"); cgroup) {
    process.unit = unit_of(*cgroup);
  }
  return process;
}

// Of the first PID namespace: PROC_PID_INIT_INO in include/linux/proc_ns.h. It holds every process.
constexpr std::uint64_t kFirstPidNamespace = 0xEFFFFFFCU;

bool is_gone(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::no_such_process;
}

std::string first_unit(const std::string& path) {
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '/');) {
    for (const std::string_view suffix : kUnitSuffixes) {
      if (part.size() > suffix.size() && part.ends_with(suffix)) {
        return part;
      }
    }
  }
  return {};
}

}  // namespace

void for_each_open_file(const std::string& proc, const std::function<void(const ProcFile&)>& visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(proc, error), end; !error && it != end; it.increment(error)) {
    const auto pid = parse_u64(it->path().filename().string());
    if (!pid || *pid == static_cast<std::uint64_t>(getpid()) || *pid > std::numeric_limits<std::uint32_t>::max()) {
      continue;
    }
    ProcFile file;
    file.pid = static_cast<std::uint32_t>(*pid);
    visit_links(it->path() / "fd", file, visit);
    file.mapped = true;
    visit_links(it->path() / "map_files", file, visit);
  }
}

std::map<FileKey, std::vector<OpenBy>> find_openers(const std::string& proc, const std::set<FileKey>& files) {
  std::map<FileKey, std::vector<OpenBy>> openers;
  for_each_open_file(proc, [&](const ProcFile& file) {
    const FileKey key{file.status.st_dev, file.status.st_ino};
    if (!files.contains(key)) {
      return;
    }
    std::vector<OpenBy>& processes = openers[key];
    // Links of one process come one after the other.
    if (processes.empty() || processes.back().pid != file.pid) {
      processes.push_back(describe(proc, file.pid));
    }
    processes.back().mapped = processes.back().mapped || file.mapped;
  });
  return openers;
}

Status sees_all_processes(const std::string& proc) {
  struct stat first = {};
  if (stat((proc + "/self/ns/pid").c_str(), &first) < 0) {
    return fail_errno("stat " + proc + "/self/ns/pid");
  }
  if (first.st_ino != kFirstPidNamespace) {
    return fail(Errc::kRefused, "this process is in a PID namespace of its own and does not see the others");
  }
  std::error_code error;
  bool sees_first = false;
  for (std::filesystem::directory_iterator it(proc, error), end; !error && it != end; it.increment(error)) {
    const auto pid = parse_u64(it->path().filename().string());
    if (!pid) {
      continue;
    }
    std::error_code unreadable;
    (void)std::filesystem::directory_iterator(it->path() / "map_files", unreadable);
    if (unreadable && !is_gone(unreadable)) {
      return fail(Errc::kRefused, it->path().string() + "/map_files: " + unreadable.message());
    }
    sees_first = sees_first || *pid == 1;
  }
  if (error || !sees_first) {
    return fail(Errc::kRefused, proc + " does not show all processes");
  }
  return {};
}

std::string unit_of(std::string_view cgroup) {
  std::istringstream lines{std::string(cgroup)};
  for (std::string line; std::getline(lines, line);) {
    // "0::/system.slice/x.service", "1:name=systemd:/system.slice/x.service"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty() || controllers == "name=systemd") {
      if (std::string unit = first_unit(line.substr(second + 1)); !unit.empty()) {
        return unit;
      }
    }
  }
  return {};
}

}  // namespace pmend::rmap
