// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bus/names.hpp"
#include "private_bus.hpp"
#include "running_service.hpp"

#include <gtest/gtest.h>
#include <sdbus-c++/sdbus-c++.h>

#include <chrono>
#include <cstdint>
#include <dbus/org.pmend1.Incident-proxy.hpp>
#include <dbus/org.pmend1.Manager-proxy.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace pmend::testing {

using Variants = std::map<std::string, sdbus::Variant>;
using Managed = std::map<sdbus::ObjectPath, std::map<std::string, Variants>>;

// For everything that takes milliseconds.
inline constexpr std::chrono::seconds kPatience{10};

class ManagerClient final : public sdbus::ProxyInterfaces<org::pmend1::Manager_proxy> {
 public:
  explicit ManagerClient(sdbus::IConnection& connection) : ProxyInterfaces(connection, bus::kBusName, bus::kRootPath) {}
  ManagerClient(const ManagerClient&) = delete;
  ManagerClient& operator=(const ManagerClient&) = delete;
  virtual ~ManagerClient() { unregisterProxy(); }

 private:
  void onIncidentChanged(const std::uint64_t&, const std::string&, const std::string&) override {}
};

// "" where the call succeeds, else the name of the error without the prefix of ours, and its text.
std::string error_of(const std::function<void()>& call);

// A service on a private bus with the project's bus policy, and a client of it. Runs as whoever may steer pmend: root.
class BusServiceTest : public ::testing::Test {
 protected:
  void SetUp() override;

  std::unique_ptr<sdbus::IConnection> connect() const;
  std::unique_ptr<sdbus::IProxy> proxy_of_its_own() const;
  // Also to the backend.
  void publish_samples();
  // Until the backend holds so many questions back.
  void wait_until_asked(std::size_t wanted);
  // The answer of the ObjectManager.
  Managed managed();

  std::optional<PrivateBus> bus_;
  std::optional<RunningService> server_;
  std::unique_ptr<sdbus::IConnection> client_;
  std::optional<ManagerClient> manager_;
};

// Hears every signal of pmend on a connection of its own.
class Listener {
 public:
  explicit Listener(std::unique_ptr<sdbus::IConnection> connection);

  // Listens until this is true; false if it does not become so.
  bool wait(const std::function<bool()>& until);

  // "IncidentChanged 7 held->queued", "PropertiesChanged PATH NAME NAME", "InterfacesAdded PATH"
  bool heard(const std::string& what) const { return heard_.contains(what); }
  const std::multiset<std::string>& all() const { return heard_; }

 private:
  void hear(sdbus::Message& message);

  std::unique_ptr<sdbus::IConnection> connection_;
  std::multiset<std::string> heard_;
};

}  // namespace pmend::testing
