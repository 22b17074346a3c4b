// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/block_context.hpp"
#include "pmend/repair/freeze_marker.hpp"
#include "pmend/repair/place.hpp"
#include "worker/setting.hpp"

// What the file systems of this machine have to do with each other and with pmend, as far as a freeze is concerned.
namespace pmend::worker {

// `setting` and `context` outlive what is returned; the locks are left for the caller to fill in. `place` has its list.
repair::FreezePlace freeze_place(const Setting& setting, const block::BlockContext& context,
                                 const block::RangeContext& piece, const repair::Place& place);

// Thaws what guards left that are gone (freeze_marker.hpp); never waits. Returns mount points that are still frozen.
Result<std::vector<FilePath>> thaw_what_is_left(const Setting& setting);

}  // namespace pmend::worker
