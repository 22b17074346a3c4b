// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/methods/method.hpp"
#include "pmend/repair/methods/rewrite.hpp"

namespace pmend::repair {

// Writes the bad sectors of a unit on the device itself while a guard keeps the file system frozen: zeros where nobody
// has the bytes, by the device's own command where it has one, else the bytes of the page cache. Good sectors are not
// touched, and no page is dropped from the page cache. Memory is written in whole rebuilt pages, each at once. Mapping
// and salvage are looked at again under the freeze; any difference ends it without a write. What was written is proven
// by direct and cached reads before the thaw.
MethodResult frozen_write(const UnitWork& work, Begun begun);

}  // namespace pmend::repair
