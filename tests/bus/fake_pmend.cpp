// SPDX-License-Identifier: Apache-2.0
// fake_pmend ADDRESS: the D-Bus face of pmend with a few incidents in memory. Says "ready" on stdout; ends when stdin
// does. Exit status 75 if the name is taken.
#include "bus/connect.hpp"
#include "fake_backend.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/bus/bus_pump.hpp"
#include "samples.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sdbus-c++/sdbus-c++.h>

#include <unistd.h>

#include <exception>
#include <iostream>

namespace pmend::testing {
namespace {

constexpr int kExitTaken = 75;

int serve(const std::string& address) {
  boost::asio::io_context io{1};
  log::StderrSink log(true);
  FakeBackend backend;
  auto connection = bus::open_bus({.kind = cli::Bus::Kind::kAddress, .address = address});
  if (!connection) {
    std::cerr << connection.error().message() << '\n';
    return 1;
  }
  auto pump = bus::BusPump::start(io, **connection, [&](const std::string&) { io.stop(); });
  auto service = bus::BusService::make({**connection, *pump, backend, log}, "0.1.0");
  backend.publish = [&](const Incident& incident) { (*service)->publish(incident); };
  backend.publish_state = [&](const bus::ManagerState& state) { (*service)->state(state); };
  backend.incidents = sample_incidents();
  for (const auto& [id, incident] : backend.incidents) {
    backend.publish(incident);
  }
  backend.state.storms["/dev/pmem0"] = {samples::incident().first_seen, 33, 32};
  backend.publish_state(backend.state);
  (*service)->device({.info = samples::device_info(), .bad_bytes = 512, .list_complete = true});
  if (const Status claimed = (*service)->claim_name(); !claimed) {
    std::cerr << claimed.error().message() << '\n';
    return claimed.error().is_errno(EEXIST) ? kExitTaken : 1;
  }
  std::cout << "ready" << std::endl;
  boost::asio::posix::stream_descriptor input(io, ::dup(STDIN_FILENO));
  input.async_wait(input.wait_read, [&](boost::system::error_code) { io.stop(); });
  io.run();
  return 0;
}

}  // namespace
}  // namespace pmend::testing

int main(int argc, char** argv) {
  try {
    return argc == 2 ? pmend::testing::serve(argv[1]) : 64;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
