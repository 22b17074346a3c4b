// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fake_backend.hpp"
#include "pmend/base/log.hpp"
#include "pmend/bus/bus_pump.hpp"
#include "pmend/bus/bus_service.hpp"

#include <boost/asio/io_context.hpp>
#include <sdbus-c++/sdbus-c++.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace pmend::testing {

class CollectingSink final : public log::Sink {
 public:
  void write(const log::Record& record) override { records.push_back(record); }
  std::vector<log::Record> records;
};

// A BusService with a FakeBackend on a loop in a thread of its own. Only run() touches them.
class RunningService {
  boost::asio::io_context io_{1};
  std::unique_ptr<sdbus::IConnection> connection_;

 public:
  // Throws std::runtime_error, with what the bus said.
  explicit RunningService(const std::string& address);
  RunningService(const RunningService&) = delete;
  RunningService& operator=(const RunningService&) = delete;
  ~RunningService();

  // Runs `body` on the loop and waits for it.
  void run(const std::function<void(RunningService&)>& body);
  // Destroys the service, but not its connection, on the loop.
  void drop_service();

  FakeBackend backend;
  CollectingSink log;
  std::optional<bus::BusPump> pump;
  std::unique_ptr<bus::BusService> service;  // before the pump and the connection
  std::atomic<int> losses = 0;
  std::promise<std::string> lost;  // the first loss

 private:
  std::thread thread_;
};

}  // namespace pmend::testing
