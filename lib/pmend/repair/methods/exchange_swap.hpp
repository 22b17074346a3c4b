// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/exchange_look.hpp"
#include "pmend/repair/methods/method.hpp"

namespace pmend::repair {

// Exchanges one file's bad block for the complete donor's block. All that it relies on is looked at between the moment
// from which the kernel counts changes and the exchange; a file that is being written to is tried again for a while.
// kBusyRetry and all that comes before the kernel's call: nothing was changed.
MethodResult swap_block(const UnitWork& work, const Mapping& mapping, const DonorLook& donor);

}  // namespace pmend::repair
