// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/methods/method.hpp"

namespace pmend::repair {

// Writes the page cache's good bytes to the medium: maps the pages, exchanges one word of each for itself, msync. No
// exclusion is needed. The exchange is atomic against every store of the file's users, and a store through a mapping
// cannot make the file longer. It cannot bring back old bytes either: while the sector is bad, a page that went away
// after it was looked at cannot be read again, so that touching it kills the child. The write lease is held where it
// can be had, for then the modification time can be put back.
MethodResult redirty(const UnitWork& work);

}  // namespace pmend::repair
