// SPDX-License-Identifier: Apache-2.0
#include "pmend/device_views.hpp"

#include <algorithm>
#include <variant>

namespace pmend::daemon {

void DeviceViews::note(const engine::Input& input) {
  if (const auto* const found = std::get_if<engine::DeviceFound>(&input)) {
    Device& device = devices_[found->device.device];
    if (device.info.device_id != found->device.device_id) {
      device.lists.clear();
    }
    device.info = found->device;
    show(device);
  } else if (const auto* const errors = std::get_if<engine::MediaErrors>(&input)) {
    take_list(errors->list);
  } else if (const auto* const gone = std::get_if<engine::DeviceGone>(&input)) {
    remove(gone->device.device);
  } else if (const auto* const worker = std::get_if<engine::WorkerGone>(&input); worker != nullptr && !worker->job) {
    remove_all();
  }
}

std::optional<std::string> DeviceViews::id_of(const std::string& device) const {
  const auto found = devices_.find(device);
  return found == devices_.end() ? std::nullopt : std::optional(found->second.info.device_id);
}

void DeviceViews::take_list(const MediaErrorList& list) {
  const auto device = devices_.find(list.device);
  if (device == devices_.end() || device->second.info.device_id != list.device_id) {
    return;
  }
  device->second.lists[list.source] = {RangeSet(list.ranges), list.complete};
  show(device->second);
}

void DeviceViews::show(const Device& device) {
  RangeSet bad;
  for (const auto& [source, list] : device.lists) {
    for (const ByteRange& range : list.ranges.ranges()) {
      bad.insert(range);
    }
  }
  const bool complete = !device.lists.empty() && std::all_of(device.lists.begin(), device.lists.end(),
                                                             [](const auto& list) { return list.second.complete; });
  handlers_.show({device.info, bad.total_bytes(), complete});
}

void DeviceViews::remove(const std::string& device) {
  if (devices_.erase(device) > 0) {
    handlers_.gone(device);
  }
}

void DeviceViews::remove_all() {
  while (!devices_.empty()) {
    remove(std::string(devices_.begin()->first));
  }
}

}  // namespace pmend::daemon
