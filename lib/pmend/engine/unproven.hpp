// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/case.hpp"

#include <string>
#include <vector>

namespace pmend::engine {

// For an incident that went away without a proof of pmend's: the files whose content nobody has proven, with the bytes,
// and that a repair of them had been tried, if so. `seen` is what was observed at last: it names the owners of an
// incident that went away before anybody had asked for them. Empty where no file is among its owners.
std::string unproven_text(const Case& what, const std::vector<protocol::ObservedRange>& seen);

}  // namespace pmend::engine
