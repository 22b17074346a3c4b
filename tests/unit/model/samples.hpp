// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/events.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/protocol.hpp"
#include "pmend/model/repair_verbs.hpp"
#include "pmend/model/report.hpp"

#include <string>

// One value of each type with every member filled in, so that a member forgotten in the JSON form is seen.
namespace pmend::samples {

std::string digest(char letter);
Owner file_owner();
Unit unit();
PlannedUnit planned_unit();
Plan plan();
PlanBasis basis();
Incident incident();
Proof proof();
LossManifest manifest();
Report report();
Step step();
MediaErrorList media_errors();
protocol::PmemInfo pmem_info();
protocol::DeviceInfo device_info();
protocol::Observation observation();
protocol::PlanRequest plan_request();
protocol::ScrubReply scrub_reply();
protocol::RepairRequest repair_request();
protocol::RepairReply repair_reply();
protocol::InspectReply inspect_reply();

}  // namespace pmend::samples
