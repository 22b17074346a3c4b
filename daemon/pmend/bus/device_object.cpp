// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/device_object.hpp"

#include "bus/names.hpp"

#include <exception>
#include <utility>
#include <vector>

namespace pmend::bus {
namespace {

// The names of the properties that differ.
std::vector<std::string> changed_properties(const DeviceView& a, const DeviceView& b) {
  std::vector<std::string> changed;
  const auto note = [&](bool same, const char* name) {
    if (!same) {
      changed.emplace_back(name);
    }
  };
  note(a.info.device == b.info.device, "Device");
  note(a.info.device_id == b.info.device_id, "DeviceId");
  note(a.info.size == b.info.size, "Size");
  note(a.info.logical_block_size == b.info.logical_block_size, "LogicalBlockSize");
  note(a.info.physical_block_size == b.info.physical_block_size, "PhysicalBlockSize");
  note(a.info.repair_unit == b.info.repair_unit, "RepairUnit");
  note(a.info.fast_zero == b.info.fast_zero, "FastZero");
  note(a.info.dax == b.info.dax, "Dax");
  note(a.info.filesystem == b.info.filesystem, "Filesystem");
  note(a.info.pmem == b.info.pmem, "Pmem");
  note(a.bad_bytes == b.bad_bytes, "BadBytes");
  note(a.list_complete == b.list_complete, "ListComplete");
  return changed;
}

}  // namespace

DeviceObject::DeviceObject(sdbus::IConnection& connection, DeviceView view)
    : AdaptorInterfaces(connection, device_path(view.info.device)), view_(std::move(view)) {
  registerAdaptor();
  emitInterfacesAddedSignal();
}

DeviceObject::~DeviceObject() {
  try {
    emitInterfacesRemovedSignal();
  } catch (const std::exception&) {
    // The bus has gone, and with it everybody who could miss the signal.
  }
  unregisterAdaptor();
}

void DeviceObject::update(const DeviceView& view) {
  const auto changed = changed_properties(view_, view);
  view_ = view;
  if (!changed.empty()) {
    emitPropertiesChangedSignal(kDeviceInterface, changed);
  }
}

Dict DeviceObject::Filesystem() {
  return view_.info.filesystem ? Dict(to_json(*view_.info.filesystem)) : Dict();
}

Dict DeviceObject::Pmem() {
  return view_.info.pmem ? Dict(to_json(*view_.info.pmem)) : Dict();
}

}  // namespace pmend::bus
