// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstdint>
#include <vector>

// Lists of ranges as values carry them: in order of offset and without overlap, but they may touch, for each is a thing
// of its own.
namespace pmend {

bool are_apart_in_order(const std::vector<ByteRange>& ranges);

// Of ranges that do not overlap.
std::uint64_t total_bytes(const std::vector<ByteRange>& ranges);

}  // namespace pmend
