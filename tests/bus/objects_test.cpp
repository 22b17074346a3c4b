// SPDX-License-Identifier: Apache-2.0
#include "bus_service_test.hpp"
#include "samples.hpp"

#include <gmock/gmock.h>

// The objects, their properties and their signals.
namespace pmend::testing {
namespace {

using bus::Dict;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class IncidentClient final : public sdbus::ProxyInterfaces<org::pmend1::Incident_proxy> {
 public:
  IncidentClient(sdbus::IConnection& connection, std::uint64_t id)
      : ProxyInterfaces(connection, bus::kBusName, bus::incident_path(id)) {}
  IncidentClient(const IncidentClient&) = delete;
  IncidentClient& operator=(const IncidentClient&) = delete;
  virtual ~IncidentClient() { unregisterProxy(); }
};

TEST_F(BusServiceTest, PassesOnWhatTheOperatorWantsAndWhoItIs) {
  publish_samples();
  const std::string hash = samples::digest('c');
  manager_->Approve(7, hash);
  IncidentClient(*client_, 7).Dismiss();
  manager_->Pause();
  server_->run([&](RunningService& server) {
    using bus::OperatorVerb;
    EXPECT_THAT(
        server.backend.operated,
        ElementsAre(
            bus::OperatorCall{.verb = OperatorVerb::kApprove, .incident = {7}, .plan_hash = hash, .who = "uid 0"},
            bus::OperatorCall{.verb = OperatorVerb::kDismiss, .incident = {7}, .who = "uid 0"},
            bus::OperatorCall{.verb = OperatorVerb::kPause, .who = "uid 0"}));
  });
  EXPECT_EQ(manager_->State(), "paused");
}

TEST_F(BusServiceTest, ShowsOpenIncidentsAndDevicesAsObjects) {
  publish_samples();
  server_->run([](RunningService& server) { server.service->device({.info = samples::device_info()}); });
  Managed objects = managed();
  EXPECT_THAT(objects, SizeIs(4));
  Variants& device = objects[sdbus::ObjectPath("/org/pmend1/device/pmem0")][bus::kDeviceInterface];
  EXPECT_EQ(device.at("Device").get<std::string>(), "/dev/pmem0");
  EXPECT_EQ(device.at("PhysicalBlockSize").get<std::uint64_t>(), 4096U);
  EXPECT_EQ(device.at("Pmem").get<Dict>().json, to_json(samples::pmem_info()));
  EXPECT_EQ(device.at("FastZero").get<std::uint64_t>(), 1U << 22U);
  EXPECT_FALSE(objects.contains(sdbus::ObjectPath("/org/pmend1/incident/8"))) << "it is repaired";
  Variants& seven = objects[sdbus::ObjectPath("/org/pmend1/incident/7")][bus::kIncidentInterface];
  EXPECT_EQ(seven.at("State").get<std::string>(), "held");
  EXPECT_EQ(seven.at("Offset").get<std::uint64_t>(), 1050112U);
  EXPECT_EQ(seven.at("Plan").get<Dict>().json, to_json(*samples::incident().plan));
  EXPECT_EQ(seven.at("Outcome").get<std::string>(), "busy-retry");
  Variants& nine = objects[sdbus::ObjectPath("/org/pmend1/incident/9")][bus::kIncidentInterface];
  EXPECT_EQ(nine.at("Plan").get<Dict>().json, Json::object());
  EXPECT_EQ(nine.at("Job").get<std::uint64_t>(), 0U);
  EXPECT_EQ(manager_->OpenIncidents(), 3U);
}

TEST_F(BusServiceTest, AnnouncesWhatHappens) {
  Listener listener(connect());
  publish_samples();
  manager_->Approve(7, samples::digest('c'));
  manager_->Dismiss(9);
  ASSERT_TRUE(listener.wait([&] { return listener.heard("IncidentChanged 9 observing->dismissed"); }));
  EXPECT_TRUE(listener.heard("InterfacesAdded /org/pmend1/incident/7"));
  EXPECT_TRUE(listener.heard("IncidentChanged 7 ->held"));
  EXPECT_TRUE(listener.heard("PropertiesChanged /org/pmend1/incident/7 Reason State"));
  EXPECT_TRUE(listener.heard("IncidentChanged 7 held->queued"));
  EXPECT_TRUE(listener.heard("InterfacesRemoved /org/pmend1/incident/9"));
  EXPECT_TRUE(listener.heard("IncidentChanged 8 ->repaired"));
  EXPECT_TRUE(listener.wait([&] { return listener.all().count("PropertiesChanged /org/pmend1 OpenIncidents") >= 4; }));
}

TEST_F(BusServiceTest, SaysNothingWhereNothingChanged) {
  publish_samples();
  Listener listener(connect());
  publish_samples();
  server_->run([](RunningService& server) {
    server.service->state(server.backend.state);
    server.service->device({.info = samples::device_info()});
  });
  ASSERT_TRUE(listener.wait([&] { return listener.heard("InterfacesAdded /org/pmend1/device/pmem0"); }));
  for (const std::string& text : listener.all()) {
    EXPECT_THAT(text, ::testing::AnyOf("InterfacesAdded /org/pmend1/device/pmem0", "IncidentChanged 8 ->repaired"));
  }
}

TEST_F(BusServiceTest, ADeviceComesAndGoes) {
  Listener listener(connect());
  server_->run([](RunningService& server) {
    bus::DeviceView view{.info = samples::device_info()};
    server.service->device(view);
    view.bad_bytes = 512;
    server.service->device(view);
  });
  ASSERT_TRUE(listener.wait([&] { return listener.heard("PropertiesChanged /org/pmend1/device/pmem0 BadBytes"); }));
  EXPECT_EQ(manager_->ListDevices().at(0).json,
            to_json(bus::DeviceView{.info = samples::device_info(), .bad_bytes = 512}));
  server_->run([](RunningService& server) { server.service->device_gone("/dev/pmem0"); });
  ASSERT_TRUE(listener.wait([&] { return listener.heard("InterfacesRemoved /org/pmend1/device/pmem0"); }));
  EXPECT_THAT(manager_->ListDevices(), IsEmpty());
}

TEST_F(BusServiceTest, TellsItsStateAsPropertiesAndAsOneDictionary) {
  publish_samples();
  server_->run([](RunningService& server) {
    server.backend.state.state = bus::RunState::kReadOnly;
    server.backend.state.reason = "the disk is full \xFF";
    server.backend.state.policy_problems = {"a:1:2: what"};
    server.backend.state.notices = {"index: it is large"};
    server.service->state(server.backend.state);
  });
  EXPECT_EQ(manager_->Version(), "0.1.0");
  EXPECT_EQ(manager_->State(), "read-only");
  EXPECT_EQ(manager_->StateReason(), "the disk is full \\xff");
  EXPECT_TRUE(manager_->Observing());
  EXPECT_THAT(manager_->PolicyProblems(), ElementsAre("a:1:2: what"));
  EXPECT_THAT(manager_->Notices(), ElementsAre("index: it is large"));
  const Json status = manager_->Status().json;
  EXPECT_EQ(status["notices"], Json({"index: it is large"}));
  EXPECT_EQ(status["open_incidents"], 3U);
  EXPECT_EQ(status["states"], (Json{{"held", 1}, {"observing", 2}}));
  EXPECT_EQ(status["state"], "read-only");
}

TEST_F(BusServiceTest, ExportsAThousandOpenIncidentsAndFillsUp) {
  const auto incident_of = [](std::uint64_t id) {
    Incident incident = samples::incident();
    incident.id = {id};
    return incident;
  };
  server_->run([&](RunningService& server) {
    for (std::uint64_t id = 1; id <= 1002; ++id) {
      server.backend.incidents[{id}] = incident_of(id);
      server.service->publish(incident_of(id));
    }
  });
  EXPECT_EQ(manager_->OpenIncidents(), 1002U);
  EXPECT_THAT(managed(), SizeIs(1000));
  EXPECT_THAT(std::get<0>(manager_->ListIncidents(Dict(), 0, "")), SizeIs(1000));
  EXPECT_THAT(std::get<0>(manager_->ListIncidents(Dict(), 0, "1000")), SizeIs(2));
  manager_->Dismiss(1002);
  EXPECT_THAT(managed(), SizeIs(1000)) << "it was not among them";
  manager_->Dismiss(5);
  const Managed objects = managed();
  EXPECT_THAT(objects, SizeIs(1000));
  EXPECT_TRUE(objects.contains(sdbus::ObjectPath("/org/pmend1/incident/1001")));
}

}  // namespace
}  // namespace pmend::testing
