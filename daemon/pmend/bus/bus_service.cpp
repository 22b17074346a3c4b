// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/bus_service.hpp"

#include "bus/connect.hpp"
#include "bus/names.hpp"
#include "pmend/bus/bus_pump.hpp"
#include "pmend/bus/call_desk.hpp"
#include "pmend/bus/device_board.hpp"
#include "pmend/bus/incident_board.hpp"
#include "pmend/bus/manager_object.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <utility>

namespace pmend::bus {

// Destroyed from the last to the first: the desk with its unanswered calls goes after the objects that they are for,
// and before the connection.
class BusService::Objects {
 public:
  Objects(const Parts& parts, std::string version)
      : desk(parts.connection, parts.backend, parts.log, [&pump = parts.pump] { pump.wake(); }),
        incidents(parts.connection, desk),
        devices(parts.connection),
        manager(parts.connection, {desk, incidents, devices, std::move(version)}) {}

  CallDesk desk;
  IncidentBoard incidents;
  DeviceBoard devices;
  ManagerObject manager;
};

Result<std::unique_ptr<BusService>> BusService::make(const Parts& parts, std::string version) {
  try {
    return std::unique_ptr<BusService>(new BusService(parts, std::move(version)));
  } catch (const sdbus::Error& error) {
    return tl::make_unexpected(to_error(error, "make objects on the bus"));
  }
}

BusService::BusService(const Parts& parts, std::string version)
    : connection_(parts.connection),
      pump_(parts.pump),
      log_(parts.log),
      objects_(std::make_unique<Objects>(parts, std::move(version))) {}

BusService::~BusService() = default;

Status BusService::claim_name() {
  try {
    connection_.requestName(kBusName);
  } catch (const sdbus::Error& error) {
    return tl::make_unexpected(to_error(error, std::string("claim the bus name ") + kBusName));
  }
  pump_.wake();  // messages that came while we waited are queued in the library
  return {};
}

// Whatever the bus library says, pmend goes on without it; that the bus has gone comes through the pump.
template <class Body>
void BusService::send(const Body& body) {
  try {
    body();
  } catch (const sdbus::Error& error) {
    log_.write(log::make_record(log::Level::kWarning, "Cannot show a change on the bus, which is behind now: {ERROR}",
                                {{"ERROR", error.what()}}));
  }
  pump_.wake();
}

void BusService::publish(const Incident& incident) {
  send([&] {
    const auto before = objects_->incidents.show(incident);
    if (before != incident.state) {
      objects_->manager.announce(incident.id, before ? std::string(to_string(*before)) : std::string(),
                                 std::string(to_string(incident.state)));
    }
  });
}

void BusService::device(const DeviceView& view) {
  send([&] { objects_->devices.show(view); });
}

void BusService::device_gone(const std::string& device) {
  send([&] { objects_->devices.remove(device); });
}

void BusService::state(const ManagerState& state) {
  send([&] { objects_->manager.update(state); });
}

}  // namespace pmend::bus
