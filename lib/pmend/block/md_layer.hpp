// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/device.hpp"
#include "pmend/block/layer.hpp"

namespace pmend::block {

// Where the bytes of an md array lie on its members, from its directory in sysfs (Linux
// Documentation/admin-guide/md.rst): linear, raid0 (with members of different sizes too) and raid1, each mirror. All
// others, an array that is just being reshaped, and one whose members do not add up to its size are named and not
// followed.
Layer read_md_layer(const BlockDevice& array);

}  // namespace pmend::block
