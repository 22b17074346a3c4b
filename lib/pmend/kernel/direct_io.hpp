// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <cstdint>
#include <optional>

namespace pmend::kernel {

// What O_DIRECT writes to this file must be aligned to, in bytes: statx(2), STATX_DIOALIGN (Linux 6.1). On XFS with
// reflink it is the file system's block for files that ever shared one (6.14). 0 where the file takes no direct writes
// (ext4 data=journal, encrypted, verity); nothing where the kernel does not say.
Result<std::optional<std::uint32_t>> direct_write_alignment(int fd);

}  // namespace pmend::kernel
