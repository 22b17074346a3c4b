// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/device_board.hpp"

namespace pmend::bus {

void DeviceBoard::show(const DeviceView& view) {
  const auto found = objects_.find(view.info.device);
  if (found != objects_.end()) {
    found->second->update(view);
  } else {
    objects_.emplace(view.info.device, std::make_unique<DeviceObject>(connection_, view));
  }
}

std::vector<Dict> DeviceBoard::list() const {
  std::vector<Dict> devices;
  for (const auto& [device, object] : objects_) {
    devices.emplace_back(to_json(object->view()));
  }
  return devices;
}

std::string DeviceBoard::id_of(const std::string& device) const {
  const auto found = objects_.find(device);
  return found == objects_.end() ? device : found->second->view().info.device_id;
}

}  // namespace pmend::bus
