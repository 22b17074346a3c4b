// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}
namespace sdbus {
class IConnection;
}

namespace pmend::bus {

// Drives a connection of the bus library from an Asio loop. The library tells which events and which time-out it waits
// for, and that changes with everything that is sent: so wake() follows every outgoing message, or a call that gets no
// answer would never time out and a message that did not fit into the socket would stay where it is.
class BusPump {
 public:
  using Lost = std::function<void(const std::string& why)>;

  // `on_lost` is called once, from the loop, when the bus has gone; nothing more comes from the connection then. Both
  // references outlive the pump. Errors: the errno of the descriptor.
  static Result<BusPump> start(boost::asio::io_context& io, sdbus::IConnection& connection, Lost on_lost);

  BusPump(BusPump&&) noexcept;
  BusPump& operator=(BusPump&&) noexcept;
  BusPump(const BusPump&) = delete;
  BusPump& operator=(const BusPump&) = delete;
  // Stops: no handler of it runs any more, whatever is queued in the loop.
  ~BusPump();

  // Cheap, and harmless when there is nothing to do.
  void wake();

 private:
  class Loop;
  explicit BusPump(std::shared_ptr<Loop> loop);

  std::shared_ptr<Loop> loop_;  // the only owner: handlers in the queue hold it weakly
};

}  // namespace pmend::bus
