// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/step.hpp"

#include <optional>
#include <string>

// Bodies of events that are not values of their own: device-found is a DeviceInfo, media-errors a MediaErrorList, step
// a Step, mounts-changed is Empty. A media-errors event whose ranges do not fit into one message has complete = false;
// `list` gives the rest.
namespace pmend::protocol {

struct DeviceGone {
  std::string device;
  std::string device_id;

  friend bool operator==(const DeviceGone&, const DeviceGone&) = default;
};

// Something may have been missed (queue overflow, truncated list, suspend): look at everything again.
struct Gap {
  std::string source;
  std::string why;
  std::optional<std::string> device;  // absent: any device

  friend bool operator==(const Gap&, const Gap&) = default;
};

// Something that a person may want to know, and that changes nothing of what is known of a watched device.
struct Notice {
  std::string source;
  std::string text;

  friend bool operator==(const Notice&, const Notice&) = default;
};

Json to_json(const DeviceGone& gone);
void read_json(const JsonReader& in, DeviceGone& gone);
Json to_json(const Gap& gap);
void read_json(const JsonReader& in, Gap& gap);
Json to_json(const Notice& notice);
void read_json(const JsonReader& in, Notice& notice);

}  // namespace pmend::protocol
