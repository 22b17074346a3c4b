// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/ext4/layout.hpp"

namespace pmend::rmap::ext4 {

// What of some bytes of the device the block bitmaps say to be free, now. What cannot be read is not.
RangeSet free_of(const Layout& layout, const RangeSet& bytes);

}  // namespace pmend::rmap::ext4
