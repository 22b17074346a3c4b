// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <string>

namespace pmend::kernel {

// openat2(2) that cannot leave the tree: no symbolic link anywhere in `path`, no "..", no other mount (also none of the
// same file system). "." is the root itself. O_CLOEXEC is added.
// Errors: the errno; EXDEV at a mount point, ELOOP at a symbolic link.
Result<UniqueFd> open_beneath(int root_fd, const std::string& path, int flags);

}  // namespace pmend::kernel
