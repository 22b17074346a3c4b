// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/leases.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <sys/sysmacros.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <sstream>
#include <thread>

namespace pmend::rmap {
namespace {

constexpr std::size_t kLocksLimit = 16U << 20U;
constexpr std::chrono::milliseconds kPause{5};
constexpr int kLooks = 60;

// "fe:00:1234": major and minor in hex, inode in decimal (fs/locks.c, lock_get_status()).
std::optional<std::uint64_t> inode_on(const std::string& place, dev_t device) {
  unsigned major_number = 0;
  unsigned minor_number = 0;
  const char* end = place.data() + place.size();
  auto parsed = std::from_chars(place.data(), end, major_number, 16);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != ':') {
    return std::nullopt;
  }
  parsed = std::from_chars(parsed.ptr + 1, end, minor_number, 16);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != ':') {
    return std::nullopt;
  }
  const auto inode = parse_u64({parsed.ptr + 1, static_cast<std::size_t>(end - parsed.ptr - 1)});
  if (!inode || makedev(major_number, minor_number) != device) {
    return std::nullopt;
  }
  return *inode;
}

}  // namespace

std::set<std::uint64_t> parse_leases(std::string_view locks, dev_t device) {
  // "1: LEASE  ACTIVE    WRITE 1234 fe:00:5678 0 EOF"; DELEG is the same for nfsd.
  std::set<std::uint64_t> inodes;
  std::istringstream lines{std::string(locks)};
  for (std::string line; std::getline(lines, line);) {
    if (line.find("LEASE") == std::string::npos && line.find("DELEG") == std::string::npos) {
      continue;  // most are others, and there may be thousands
    }
    std::istringstream words(line);
    std::string number, kind, state, access, pid, place;
    if (!(words >> number >> kind >> state >> access >> pid >> place)) {
      continue;
    }
    // A lease that is being broken shows what it becomes: one of a writer may read READ.
    if ((kind != "LEASE" && kind != "DELEG") || (state == "ACTIVE" && access == "READ")) {
      continue;
    }
    if (const auto inode = inode_on(place, device)) {
      inodes.insert(*inode);
    }
  }
  return inodes;
}

std::set<std::uint64_t> leased_inodes(const std::string& proc, dev_t device) {
  const auto locks = read_text_file(proc + "/locks", kLocksLimit);
  return locks ? parse_leases(*locks, device) : std::set<std::uint64_t>();
}

std::set<std::uint64_t> lasting_leases(const std::string& proc, dev_t device) {
  auto leased = leased_inodes(proc, device);
  for (int i = 0; i < kLooks && !leased.empty(); ++i) {
    std::this_thread::sleep_for(kPause);
    leased = leased_inodes(proc, device);
  }
  return leased;
}

}  // namespace pmend::rmap
