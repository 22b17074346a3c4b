// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/document.hpp"
#include "pmend/model/observe_verbs.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace pmend {

// pmend.json: which devices are watched, and what that may cost. How to decide is in the policy files, where things are
// in the options.
struct Config {
  std::vector<protocol::ListedDevice> devices;
  bool auto_watch = true;  // key "auto": every block device that has a list in sysfs
  // Hours between two address range scrubs of persistent memory that pmend starts by itself; 0: it starts none.
  std::uint64_t ars_interval_hours = 0;
  // MiB of memory that the indexes of the reverse map may take together (docs/reverse-map.md); 0: none is kept.
  std::uint64_t index_mib = 256;
  // Make indexes anew when their file systems have changed, before anybody asks; each creation and deletion of a file
  // gets some 10 % slower by that.
  bool index_hints = false;
  // Listen to the health monitors of XFS (Linux 7.0), which have room for one listener each: xfs_healer(8) gets none
  // then.
  bool xfs_health = false;

  friend bool operator==(const Config&, const Config&) = default;
};

// How often a list that cannot be polled is read, at most; seconds.
inline constexpr std::uint64_t kMostInterval = 86400;
inline constexpr std::uint64_t kMostArsIntervalHours = 8760;
inline constexpr std::uint64_t kMostIndexMib = 1U << 20U;

enum class IfMissing { kDefaults, kProblem };

// All problems, or a whole configuration.
tl::expected<Config, ConfigProblems> load_config(const std::string& path, IfMissing if_missing);
tl::expected<Config, ConfigProblems> parse_config(const SourceText& source);

}  // namespace pmend
