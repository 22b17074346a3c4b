// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/locator.hpp"
#include "ctl/place_line.hpp"
#include "pmend/model/observe_verbs.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pmend::ctl {

// What is said of one line of the input.
struct LineAnswer {
  std::uint64_t line = 0;
  std::optional<DeviceRange> where;  // absent: the line could not be understood
  std::vector<Owner> owners;         // cut to `where`
  std::vector<ByteRange> bad;        // the same
  std::string error;                 // empty unless there is no answer
};

// Lines that are asked together: one question for each device, so that a file system that has to be walked is walked
// once, and the answers in the order of the lines.
class LocateBatch {
 public:
  // Lines that could not be understood count too: their errors wait for their turn.
  void add(std::uint64_t line, tl::expected<DeviceRange, std::string> where);
  // No more lines should be added, so that the answer is bounded; a single line may be of any length.
  bool full() const;
  bool empty() const { return lines_.empty(); }

  // Asks, and forgets the lines. Problems: kExitUnavailable and kExitNotAuthorized; all others are the lines' own.
  Asked<std::vector<LineAnswer>> ask(Locator& locator);

 private:
  struct Line {
    std::uint64_t number;
    tl::expected<DeviceRange, std::string> where;
  };

  std::vector<Line> lines_;
  std::uint64_t bytes_ = 0;
};

}  // namespace pmend::ctl
