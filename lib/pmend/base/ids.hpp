// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace pmend {

// A number that names one thing of one kind. Ids start at 1, survive restarts and are never used again; 0 is "none".
template <class Tag>
struct Id {
  std::uint64_t value = 0;

  explicit operator bool() const { return value != 0; }
  friend auto operator<=>(const Id&, const Id&) = default;
};

using IncidentId = Id<struct IncidentTag>;
using JobId = Id<struct JobTag>;
// Names a request on one worker connection.
using RequestId = Id<struct RequestTag>;

}  // namespace pmend
