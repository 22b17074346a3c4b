// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "worker/setting.hpp"

#include <chrono>
#include <string>

namespace pmend::worker {

// What the kernel's list has of a device and did not print, as it does not fit into a page of text.
struct RestOfList {
  RangeSet bad;           // of the device; also what was handed in
  bool complete = false;  // the device was read to its end: there is no more
};

// The kernel prints its list in order, so all that is missing lies behind the last entry of `listed`. `hints` are what
// others say is bad; what of them cannot be read belongs to it. Then the device is read directly from there on, for as
// long as `limit` allows: the kernel refuses what it lists before it touches the medium. Reads, so in a child only.
// Errors: the errno.
Result<RestOfList> find_rest(const Setting& setting, const std::string& node, const RangeSet& listed,
                             const RangeSet& hints, std::chrono::milliseconds limit);

}  // namespace pmend::worker
