// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/bus/backend.hpp"
#include "pmend/engine/input.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace pmend::daemon {

// The watched devices as the bus shows them, by node: what the inputs of the engine say of them.
class DeviceViews {
 public:
  struct Handlers {
    std::function<void(const bus::DeviceView&)> show;
    std::function<void(const std::string& device)> gone;
  };
  explicit DeviceViews(Handlers handlers) : handlers_(std::move(handlers)) {}

  void note(const engine::Input& input);
  bool contains(const std::string& device) const { return devices_.contains(device); }
  // Of a device that is watched.
  std::optional<std::string> id_of(const std::string& device) const;

 private:
  struct SourceList {
    RangeSet ranges;
    bool complete = false;
  };
  struct Device {
    protocol::DeviceInfo info;
    std::map<std::string, SourceList> lists;  // by source
  };

  void show(const Device& device);
  void take_list(const MediaErrorList& list);
  void remove(const std::string& device);
  void remove_all();

  Handlers handlers_;
  std::map<std::string, Device> devices_;
};

}  // namespace pmend::daemon
