// SPDX-License-Identifier: Apache-2.0
#include "medium/process.hpp"

#include "medium/words.hpp"
#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>

namespace pmend::medium {
namespace {

namespace fs = std::filesystem;

// Where a hierarchy is mounted by every distribution, and its file with the limit.
struct Hierarchy {
  const char* mount;
  const char* limit_file;
};
constexpr Hierarchy kVersion1{"sys/fs/cgroup/memory", "memory.limit_in_bytes"};
constexpr std::array<Hierarchy, 2> kVersion2{
    {{"sys/fs/cgroup", "memory.max"}, {"sys/fs/cgroup/unified", "memory.max"}}};

using Limit = std::optional<std::uint64_t>;

Limit lower(const Limit& a, const Limit& b) {
  return a && b ? std::min(a, b) : a ? a : b;
}

// "max" and a missing file are no limit.
Limit read_limit(const fs::path& file) {
  const auto text = read_text_file(file);
  const auto words = text ? split_words(*text) : std::vector<std::string_view>();
  const auto number = words.size() == 1 ? parse_u64(words[0]) : fail(Errc::kNotFound, "");
  return number ? Limit(*number) : std::nullopt;
}

// The cgroup and all above it count. In a container the path may not exist; then only the mount's own file is there.
Limit lowest_limit(const fs::path& root, const Hierarchy& hierarchy, std::string_view group) {
  Limit lowest;
  for (fs::path path = fs::path(group).relative_path(); true; path = path.parent_path()) {
    lowest = lower(lowest, read_limit(root / hierarchy.mount / path / hierarchy.limit_file));
    if (path.empty()) {
      return lowest;
    }
  }
}

bool names_memory(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").find(",memory,") != std::string::npos;
}

// A line of /proc/self/cgroup: "4:memory:/group", for version 2 "0::/group" (cgroups(7)).
Limit limit_of_line(const fs::path& root, std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second = line.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view controllers = line.substr(first + 1, second - first - 1);
  const std::string_view group = line.substr(second + 1);
  Limit lowest;
  if (names_memory(controllers)) {
    lowest = lowest_limit(root, kVersion1, group);
  } else if (controllers.empty()) {
    for (const Hierarchy& hierarchy : kVersion2) {
      lowest = lower(lowest, lowest_limit(root, hierarchy, group));
    }
  }
  return lowest;
}

}  // namespace

Status become_io_flusher() {
  if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) < 0) {
    return fail_errno("become an I/O flusher");
  }
  return {};
}

Status lock_memory() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0) {
    return fail_errno("lock memory");
  }
  return {};
}

Limit memory_limit(const fs::path& root) {
  const auto groups = read_text_file(root / "proc/self/cgroup");
  Limit lowest;
  if (groups) {
    for (const std::string_view line : split_lines(*groups)) {
      lowest = lower(lowest, limit_of_line(root, line));
    }
  }
  return lowest;
}

std::vector<std::string> prepare_process() {
  std::vector<std::string> warnings;
  for (const Status& status : {become_io_flusher(), lock_memory()}) {
    if (!status) {
      warnings.push_back("cannot " + status.error().message() + "; serving all the same, but low memory may block it");
    }
  }
  const auto limit = memory_limit("/");
  if (limit && *limit < kSmallestMemoryLimit) {
    warnings.push_back("running in a memory cgroup limited to " + std::to_string(*limit) +
                       " bytes; serving all the same, but a writer in the same cgroup can block it for ever");
  }
  return warnings;
}

}  // namespace pmend::medium
