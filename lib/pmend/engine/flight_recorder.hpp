// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/command.hpp"
#include "pmend/engine/input.hpp"

#include <cstddef>
#include <deque>
#include <string>

namespace pmend::engine {

// The last inputs of the engine and what it said to each, as lines of JSON, so that somebody can see afterwards why it
// did what it did. A line is an input or a command; the commands follow the input that they answer. Bounded in bytes:
// the oldest lines go first, an input never without its commands. tests/replay reads the same lines.
class FlightRecorder {
 public:
  explicit FlightRecorder(std::size_t most_bytes = 1U << 20U) : most_bytes_(most_bytes) {}

  void note(const Input& input, const Commands& commands);

  // All that is kept, oldest first, each line ended by a newline.
  std::string dump() const;
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::deque<std::string> entries_;  // an input with its commands
};

}  // namespace pmend::engine
