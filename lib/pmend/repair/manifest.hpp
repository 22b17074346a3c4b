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

// What became of the bytes of these units: pure. Ranges are as long as they can be and have no names.
LossManifest manifest_of(const std::vector<DoneUnit>& units);

}  // namespace pmend::repair
