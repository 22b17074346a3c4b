// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/report.hpp"

#include <cstdint>
#include <vector>

namespace pmend::repair {

// A unit that a job dealt with: as it was planned, and the method that did it in the end.
struct DoneUnit {
  PlannedUnit planned;
  Method method = Method::kRedirty;
};

// What became of the bytes of these units: pure. Ranges are as long as they can be and have no names; a range that
// several files share is there for each.
LossManifest manifest_of(const std::vector<DoneUnit>& units);

// Of what was lost, only that which the plan calls lost: slack behind the end of a file is not.
void keep_lost_data(LossManifest& manifest, const std::vector<ByteRange>& lost_data);

}  // namespace pmend::repair
