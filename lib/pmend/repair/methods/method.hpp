// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/proof.hpp"
#include "pmend/repair/unit_work.hpp"

#include <optional>

namespace pmend::repair {

// How a method ended for one unit.
struct MethodResult {
  Ending ending;
  bool changing = false;  // a changing call was made, whatever came of it
  // The modification time that the change gave the file, where nobody else can have set it.
  std::optional<FileTime> own_time;
};

}  // namespace pmend::repair
