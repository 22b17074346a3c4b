// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

// FIFREEZE and FITHAW (ioctl_list(2), fsfreeze(8); Linux fs/super.c, freeze_super() and thaw_super()). `fd` is any open
// file or directory of the mounted file system.
namespace pmend::kernel {

// Writes everything back and keeps everybody from changing the file system until somebody thaws it; readers go on.
// Stores through mappings wait too. Errors: EBUSY at once if somebody froze it already; EOPNOTSUPP; the errno of
// writing back. Trap: with dirty metadata that the medium does not take it hangs for ever, and so does every thaw
// (repair-safety.md). A freeze outlives who made it.
Status freeze(int fd);

// Ends a freeze, whoever made it. Errors: EINVAL if it is not frozen.
Status thaw(int fd);

}  // namespace pmend::kernel
