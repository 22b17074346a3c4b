// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/kernel/lease.hpp"
#include "pmend/repair/place.hpp"

#include <optional>

// Write leases in a house where several processes look at the same files: workers of pmend that observe and plan have a
// file open for a moment, and the kernel grants no lease meanwhile.
namespace pmend::repair {

// As kernel::WriteLease::take(), but waits up to 5 s where only other workers of pmend have the file open, and a moment
// where nobody is seen who has: whoever had it may just have closed it.
Result<std::optional<kernel::WriteLease>> take_lease(const Place& place, int fd);

// True if the lease could be had, or is kept from us only by other workers of pmend. Waits for nobody that is seen: two
// that plan for the same file would wait for each other. Errors: the errno.
Result<bool> could_be_leased(const Place& place, int fd);

}  // namespace pmend::repair
