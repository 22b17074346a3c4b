// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/flight_recorder.hpp"

#include "pmend/model/json_text.hpp"

#include <utility>

namespace pmend::engine {

void FlightRecorder::note(const Input& input, const Commands& commands) {
  std::string entry = to_json_text(to_json(input)) + "\n";
  for (const Command& command : commands) {
    entry += to_json_text(to_json(command)) + "\n";
  }
  bytes_ += entry.size();
  entries_.push_back(std::move(entry));
  while (bytes_ > most_bytes_) {
    bytes_ -= entries_.front().size();
    entries_.pop_front();
  }
}

std::string FlightRecorder::dump() const {
  std::string text;
  for (const std::string& entry : entries_) {
    text += entry;
  }
  return text;
}

}  // namespace pmend::engine
