// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/nvdimm/topology.hpp"

namespace pmend::nvdimm {

// Asks libndctl anew, which reads sysfs; no device is opened and no command sent to firmware. May wait until the kernel
// has found what a bus has, so not for a loop. A machine without persistent memory has no bus, which is no error. What
// vanishes while it is read, or what sysfs says that cannot be, is left out.
// Errors: the errno if libndctl cannot be used at all.
Result<Topology> read_topology();

}  // namespace pmend::nvdimm
