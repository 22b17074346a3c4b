// SPDX-License-Identifier: Apache-2.0
#include "bus_service_test.hpp"

#include "bus/dict.hpp"

#include <poll.h>
#include <unistd.h>

#include <utility>

namespace pmend::testing {

std::string error_of(const std::function<void()>& call) {
  try {
    call();
    return "";
  } catch (const sdbus::Error& error) {
    const std::string& name = error.getName();
    const std::string prefix = "org.pmend1.Error.";
    return (name.starts_with(prefix) ? name.substr(prefix.size()) : name) + ": " + error.getMessage();
  }
}

void BusServiceTest::SetUp() {
  if (geteuid() != 0) {
    GTEST_SKIP() << "only root may steer pmend";
  }
  bus_.emplace(PrivateBus::Policy::kOfPmend);
  server_.emplace(bus_->address());
  client_ = connect();
  manager_.emplace(*client_);
}

std::unique_ptr<sdbus::IConnection> BusServiceTest::connect() const {
  auto connection = sdbus::createSessionBusConnectionWithAddress(bus_->address());
  connection->setMethodCallTimeout(kPatience);
  return connection;
}

std::unique_ptr<sdbus::IProxy> BusServiceTest::proxy_of_its_own() const {
  return sdbus::createProxy(connect(), bus::kBusName, bus::kRootPath);
}

void BusServiceTest::publish_samples() {
  server_->run([](RunningService& server) {
    server.backend.incidents = sample_incidents();
    for (const auto& [id, incident] : server.backend.incidents) {
      server.service->publish(incident);
    }
  });
}

void BusServiceTest::wait_until_asked(std::size_t wanted) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::size_t count = 0;
  while (count < wanted && std::chrono::steady_clock::now() < deadline) {
    server_->run([&](RunningService& server) { count = server.backend.held_back->size(); });
  }
  ASSERT_EQ(count, wanted);
}

Managed BusServiceTest::managed() {
  Managed objects;
  sdbus::createProxy(*client_, bus::kBusName, bus::kRootPath)
      ->callMethod("GetManagedObjects")
      .onInterface("org.freedesktop.DBus.ObjectManager")
      .storeResultsTo(objects);
  return objects;
}

Listener::Listener(std::unique_ptr<sdbus::IConnection> connection) : connection_(std::move(connection)) {
  connection_->addMatch(
      "type='signal',path_namespace='/org/pmend1'", [this](sdbus::Message& message) { hear(message); },
      sdbus::floating_slot);
}

bool Listener::wait(const std::function<bool()>& until) {
  constexpr int kStepMilliseconds = 100;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!until() && std::chrono::steady_clock::now() < deadline) {
    if (!connection_->processPendingRequest()) {
      const auto wanted = connection_->getEventLoopPollData();
      pollfd fd{.fd = wanted.fd, .events = wanted.events, .revents = 0};
      ::poll(&fd, 1, kStepMilliseconds);
    }
  }
  return until();
}

void Listener::hear(sdbus::Message& message) {
  const std::string member = message.getMemberName();
  std::string text = member;
  if (member == "IncidentChanged") {
    std::uint64_t id = 0;
    std::string old_state;
    std::string new_state;
    message >> id >> old_state >> new_state;
    text += " " + std::to_string(id) + " " + old_state + "->" + new_state;
  } else if (member == "PropertiesChanged") {
    std::string interface;
    bus::Dict changed;
    message >> interface >> changed;
    text += " " + message.getPath();
    for (const auto& [name, value] : changed.json.items()) {
      text += " " + name;
    }
  } else {
    sdbus::ObjectPath path;
    message >> path;
    text += " " + path;
  }
  heard_.insert(text);
}

}  // namespace pmend::testing
