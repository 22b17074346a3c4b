// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/methods/method.hpp"

namespace pmend::repair {

enum class Begun {
  kNo,       // the unit must be exactly as it was spooled, and still bad
  kPerhaps,  // an earlier worker may have begun: what it may have left is accepted, other people's bytes are not
};

// Writes the rebuilt unit through the file, under a write lease and after everything was looked at again under that
// lease: `rewrite` by one direct write; `recovery-write`, for a file that is mapped from its medium (DAX), page by
// page, which clears poison since Linux 5.19 (drivers/nvdimm/pmem.c, pmem_recovery_write()); `rescue`
// so too, once the page was marked as bad again (rescue.hpp); `punch` by a direct write to the hole that it has made
// (punch.hpp).
MethodResult rewrite(const UnitWork& work, Begun begun);

}  // namespace pmend::repair
