// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <string>

// FALLOC_FL_ZEROINIT_RANGE of "dax: fix broken pmem poison narrative" (Darrick Wong, 2021), which was never merged:
// fallocate(2) with the mode 0x80|FALLOC_FL_KEEP_SIZE, exactly, writes zeros over the blocks that a file has and clears
// their poison. Trap: 0x80 is FALLOC_FL_WRITE_ZEROES since Linux 6.17, which must not have KEEP_SIZE and clears
// nothing; so neither mode is ever given a file of somebody else.
namespace pmend::kernel {

// Whether this kernel takes it, tried on a file of its own in `directory` that never has a name. Errors: the errno
// where there can be no such file.
Result<bool> knows_zeroinit(const std::string& directory);

}  // namespace pmend::kernel
