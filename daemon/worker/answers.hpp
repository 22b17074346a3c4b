// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/observe_verbs.hpp"
#include "worker/places.hpp"

#include <functional>
#include <optional>
#include <string>

// The answers of the observing worker. They block, on metadata I/O, on walks over file systems and on reads of suspect
// media, so each is given in a child of its own. Nothing is written but pmend's own lists of bad sectors: observe() and
// list() put into them what they find by reading, and take out what can be read again.
namespace pmend::worker {

// Errors: as find_context(), and of the reverse map.
Result<protocol::DeviceInfo> describe(const Setting& setting, const std::string& device);
// Whether a listed range of a device is a phantom; nothing where it cannot be told.
using PhantomJudge = std::function<std::optional<bool>(const std::string& node, const ByteRange& device_range)>;
Result<protocol::Observation> observe(const Setting& setting, const protocol::ObserveRequest& request,
                                      const PhantomJudge& judge);
Result<protocol::PlanReply> plan(const Setting& setting, const protocol::PlanRequest& request);
Result<protocol::LocateReply> locate(const Setting& setting, const protocol::LocateRequest& request);
Result<MediaErrorList> list(const Setting& setting, const protocol::DeviceRequest& request);

}  // namespace pmend::worker
