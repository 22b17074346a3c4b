// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/ext4/layout.hpp"

#include <string>

namespace pmend::rmap::ext4 {

struct FreeSpace {
  RangeSet free;
  RangeSet doubtful;  // the bitmap cannot be read, or its checksum is wrong
  std::string why;    // it is doubtful: the first reason
};

// What of some bytes of the device the block bitmaps say to be free, now.
FreeSpace free_of(const Layout& layout, const RangeSet& bytes);

}  // namespace pmend::rmap::ext4
