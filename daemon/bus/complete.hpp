// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

// What is null in JSON is left out on the bus. These put it back, so that what pmendctl prints has every member that
// the contract of DESIGN.md section 7 names. Other members stay as they are.
namespace pmend::bus {

nlohmann::json complete_incident(nlohmann::json incident);
nlohmann::json complete_report(nlohmann::json report);

}  // namespace pmend::bus
