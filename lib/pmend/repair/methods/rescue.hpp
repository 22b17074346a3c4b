// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/unit_work.hpp"

namespace pmend::repair {

// Marks the pages of a unit as bad again so that a write through the file can bring them back. A page that took a
// machine check while nobody had it mapped is out of the kernel's reach, but does not say so: a write clears the medium
// and its entry in the list and then fails (EFAULT), and from then on nothing lists the page. A child maps it and marks
// it (madvise(2), MADV_HWPOISON, which kills the child), then the list gets its entry again. Seen with Linux 6.12, XFS
// with rmapbt. The caller holds the write lease. Where it fails the page is as unreadable as before.
// Errors: kUnsupported where there is no list of the kernel's; the errno, EPERM without CAP_SYS_ADMIN, EINVAL for a
// kernel without memory failure.
Status mark_as_bad(const UnitWork& work, int fd);

}  // namespace pmend::repair
