// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/mode.hpp"
#include "medium/poison_map.hpp"
#include "pmend/base/clock.hpp"
#include "pmend/base/unique_fd.hpp"

#include <string>
#include <string_view>

namespace pmend::medium {

// Everything that a restart of the program must not forget.
struct State {
  Mode mode;
  PoisonMap map;

  friend bool operator==(const State&, const State&) = default;
};

// The same instant on both clocks: returns of poison are steady times in memory and wall times in the file.
struct Now {
  SteadyTime steady;
  WallTime wall;

  static Now of(const Clock& clock) { return {clock.steady(), clock.wall()}; }
};

// {"version": 1, "bytes": N, "mode": "read=eio …", "poison": [[FIRST, COUNT], …], "phantom": [[FIRST, COUNT], …],
//  "returns": [[FIRST, COUNT, MICROSECONDS since 1970], …]}, numbers in sectors except `bytes`.
std::string to_json(const State& state, std::uint64_t disk_bytes, const Now& now);

// Errors: kCorrupt for text that to_json() does not print for a disk of this size. A return later than a day from now
// (the longest there is; the wall clock was set back) is moved to a day from now.
Result<State> parse_state(std::string_view json, std::uint64_t disk_bytes, const Now& now);

// The directory with `state.json`, `trace` and `lock`. Owned by one program at a time.
class StateDirectory {
 public:
  // Makes the directory if it is missing. Errors: kRefused if another pmend-medium has it, else the errno.
  static Result<StateDirectory> open(const std::string& path);

  // A missing file is an empty state. Errors: kCorrupt, else the errno.
  Result<State> load(std::uint64_t disk_bytes, const Now& now) const;

  // Replaces the file at once, without fsync: the state must survive the death of this process (the page cache does),
  // not that of the machine, whose tests run on fresh images; and a change is on the path of every curing write.
  Status save(const State& state, std::uint64_t disk_bytes, const Now& now) const;

  std::string trace_path() const { return path_ + "/trace"; }

 private:
  StateDirectory(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
};

}  // namespace pmend::medium
