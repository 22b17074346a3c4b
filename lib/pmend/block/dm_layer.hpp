// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/layer.hpp"
#include "pmend/kernel/dm_table.hpp"

#include <vector>

namespace pmend::block {

// What a table of the device mapper says of places: linear and striped are followed (drivers/md/dm-linear.c,
// dm-stripe.c), all others are named. Parameters that are not understood make their target one that is not followed.
Layer layer_of_dm(const std::vector<kernel::DmTarget>& table);

}  // namespace pmend::block
