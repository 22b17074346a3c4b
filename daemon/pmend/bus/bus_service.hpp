// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/log.hpp"
#include "pmend/bus/backend.hpp"

#include <memory>
#include <string>

namespace sdbus {
class IConnection;
}

namespace pmend::bus {

class BusPump;

// pmend on the bus: a view of what it is told here, and the way from callers to the backend. Everything runs on the
// thread of the loop. When the bus is lost nothing here fails: the pump tells.
class BusService {
 public:
  // All outlive the service, and `log` also every reply that the backend still holds.
  struct Parts {
    sdbus::IConnection& connection;
    BusPump& pump;
    BusBackend& backend;
    log::Sink& log;
  };

  // The objects are there when this returns; nobody finds them before claim_name(). Errors: the errno of the bus.
  static Result<std::unique_ptr<BusService>> make(const Parts& parts, std::string version);

  BusService(const BusService&) = delete;
  BusService& operator=(const BusService&) = delete;
  // Calls without an answer get none any more.
  ~BusService();

  // Waits for the bus: call it at the start, when what is there has been published. Errors: EEXIST if another pmend has
  // the name, EACCES if the bus policy forbids it, the errno of the bus.
  Status claim_name();

  // An incident is now this. It is an object while it is open, see is_open().
  void publish(const Incident& incident);
  void device(const DeviceView& view);
  void device_gone(const std::string& device);
  void state(const ManagerState& state);

 private:
  class Objects;
  BusService(const Parts& parts, std::string version);

  template <class Body>
  void send(const Body& body);

  sdbus::IConnection& connection_;
  BusPump& pump_;
  log::Sink& log_;
  std::unique_ptr<Objects> objects_;
};

}  // namespace pmend::bus
