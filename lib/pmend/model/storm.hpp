// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/model/json.hpp"

#include <cstdint>

namespace pmend {

// Errors spread on a medium, faster than the policy's limit: nothing on it is repaired any more without a person.
struct Storm {
  WallTime since;               // whole seconds
  std::uint64_t incidents = 0;  // new ones in the hour before that
  std::uint64_t limit = 0;      // that they passed

  friend bool operator==(const Storm&, const Storm&) = default;
};

Json to_json(const Storm& storm);
void read_json(const JsonReader& in, Storm& storm);

}  // namespace pmend
