// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/device_object.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pmend::bus {

// The watched devices as objects on the bus, by node.
class DeviceBoard {
 public:
  explicit DeviceBoard(sdbus::IConnection& connection) : connection_(connection) {}

  void show(const DeviceView& view);
  void remove(const std::string& device) { objects_.erase(device); }

  std::vector<Dict> list() const;
  std::size_t size() const { return objects_.size(); }
  bool contains(const std::string& device) const { return objects_.contains(device); }
  // The id of the device with this node; of an unknown one the text itself, which may be an id.
  std::string id_of(const std::string& device) const;

 private:
  sdbus::IConnection& connection_;
  std::map<std::string, std::unique_ptr<DeviceObject>> objects_;
};

}  // namespace pmend::bus
