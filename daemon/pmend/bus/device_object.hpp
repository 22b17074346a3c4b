// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/backend.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <cstdint>
#include <dbus/org.pmend1.Device-adaptor.hpp>
#include <string>

namespace pmend::bus {

// /org/pmend1/device/NAME. Shows one watched device.
class DeviceObject final : public sdbus::AdaptorInterfaces<org::pmend1::Device_adaptor, sdbus::Properties_adaptor,
                                                           sdbus::ManagedObject_adaptor> {
 public:
  // Appears on the bus, and is announced.
  DeviceObject(sdbus::IConnection& connection, DeviceView view);
  DeviceObject(const DeviceObject&) = delete;
  DeviceObject& operator=(const DeviceObject&) = delete;
  virtual ~DeviceObject();

  const DeviceView& view() const { return view_; }
  void update(const DeviceView& view);

 private:
  std::string Device() override { return bus_text(view_.info.device); }
  std::string DeviceId() override { return bus_text(view_.info.device_id); }
  std::uint64_t Size() override { return view_.info.size; }
  std::uint64_t LogicalBlockSize() override { return view_.info.logical_block_size; }
  std::uint64_t PhysicalBlockSize() override { return view_.info.physical_block_size; }
  std::uint64_t RepairUnit() override { return view_.info.repair_unit; }
  std::uint64_t FastZero() override { return view_.info.fast_zero; }
  bool Dax() override { return view_.info.dax; }
  Dict Filesystem() override;
  Dict Pmem() override;
  std::uint64_t BadBytes() override { return view_.bad_bytes; }
  bool ListComplete() override { return view_.list_complete; }

  DeviceView view_;
};

}  // namespace pmend::bus
