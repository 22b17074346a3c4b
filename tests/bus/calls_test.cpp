// SPDX-License-Identifier: Apache-2.0
#include "bus/complete.hpp"
#include "bus_service_test.hpp"
#include "pmend/model/json_reader.hpp"
#include "samples.hpp"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

// What callers ask and are answered.
namespace pmend::testing {
namespace {

using bus::Dict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(BusServiceTest, GivesIncidentsAsTheJsonOfTheContract) {
  publish_samples();
  const Json expected = to_json(samples::incident());
  EXPECT_EQ(manager_->GetIncident(7).json, expected);

  const auto [page, next] = manager_->ListIncidents(Dict(), 0, "");
  ASSERT_THAT(page, SizeIs(3));
  EXPECT_EQ(page[0].json, expected);
  EXPECT_EQ(next, "");
  EXPECT_THAT(std::get<0>(manager_->ListIncidents(Dict(Json{{"all", true}}), 0, "")), SizeIs(4));
  EXPECT_THAT(std::get<0>(manager_->ListIncidents(Dict(Json{{"state", "repaired"}}), 0, "")), SizeIs(1));
}

TEST_F(BusServiceTest, GivesFileNamesAsBytes) {
  publish_samples();
  Variants incident;
  sdbus::createProxy(*client_, bus::kBusName, bus::kRootPath)
      ->callMethod("GetIncident")
      .onInterface(bus::kManagerInterface)
      .withArguments(std::uint64_t{7})
      .storeResultsTo(incident);
  const auto owners = incident.at("owners").get<std::vector<Variants>>();
  const auto paths = owners.at(0).at("paths").get<std::vector<std::vector<std::uint8_t>>>();
  ASSERT_THAT(paths, SizeIs(2));
  EXPECT_EQ(std::string(paths[1].begin(), paths[1].end()), "/srv/b\xFF");
  EXPECT_EQ(incident.at("id").get<std::uint64_t>(), 7U);
}

TEST_F(BusServiceTest, PagesByCursor) {
  publish_samples();
  std::vector<std::uint64_t> ids;
  std::string cursor;
  int pages = 0;
  do {
    auto [page, next] = manager_->ListIncidents(Dict(Json{{"all", true}}), 3, cursor);
    for (const Dict& dict : page) {
      ids.push_back(pmend::from_json<Incident>(bus::complete_incident(dict.json)).value().id.value);
    }
    cursor = next;
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(pages, 2);
  EXPECT_THAT(ids, ElementsAre(7, 8, 9, 10));
}

TEST_F(BusServiceTest, FindsADeviceByItsNodeOrItsId) {
  publish_samples();
  server_->run([](RunningService& server) {
    server.service->device({.info = {.device = "/dev/pmem9", .device_id = "ns:8f0c"}});
  });
  for (const char* device : {"/dev/pmem9", "ns:8f0c"}) {
    EXPECT_THAT(std::get<0>(manager_->ListIncidents(Dict(Json{{"device", device}}), 0, "")), SizeIs(1)) << device;
  }
  EXPECT_THAT(std::get<0>(manager_->ListIncidents(Dict(Json{{"device", "/dev/none"}}), 0, "")), IsEmpty());
}

TEST_F(BusServiceTest, RefusesHostileArgumentsByName) {
  publish_samples();
  const std::vector<std::pair<std::string, std::function<void()>>> calls = {
      {"limit", [&] { manager_->ListIncidents(Dict(), UINT32_MAX, ""); }},
      {"cursor", [&] { manager_->ListIncidents(Dict(), 0, "'; DROP TABLE"); }},
      {"/sate",
       [&] {
         manager_->ListIncidents(Dict(Json{{"sate", "held"}}), 0, "");
       }},
      {"/state",
       [&] {
         manager_->ListIncidents(Dict(Json{{"state", -1}}), 0, "");
       }},
      {"/all",
       [&] {
         manager_->ListIncidents(Dict(Json{{"all", "yes"}}), 0, "");
       }},
      {"plan_hash", [&] { manager_->Approve(7, "abc"); }},
      {"length", [&] { manager_->Locate("/dev/pmem0", 0, 0); }},
      {"offset", [&] { manager_->Locate("/dev/pmem0", UINT64_MAX, UINT64_MAX); }},
      {"device", [&] { manager_->Locate("", 0, 512); }},
      {"lengths",
       [&] {
         manager_->LocateRanges("/dev/pmem0", {0, 1}, {512});
       }},
      {"lengths", [&] { manager_->LocateRanges("/dev/pmem0", {}, {}); }},
      {"lengths",
       [&] {
         const std::vector<std::uint64_t> many(protocol::kMostLocateRanges + 1, 512);
         manager_->LocateRanges("/dev/pmem0", many, many);
       }},
      {"length",
       [&] {
         manager_->LocateRanges("/dev/pmem0", {0, 512}, {512, 0});
       }},
      {"offset", [&] { manager_->LocateRanges("/dev/pmem0", {UINT64_MAX}, {512}); }},
      {"device", [&] { manager_->LocateRanges("", {0}, {512}); }},
      {"path", [&] { manager_->LocatePath({'a'}); }},
      {"path",
       [&] {
         manager_->LocatePath({'/', 0});
       }},
  };
  for (const auto& [named, call] : calls) {
    const std::string error = error_of(call);
    EXPECT_THAT(error, ::testing::StartsWith("Invalid: "));
    EXPECT_THAT(error, HasSubstr(named));
  }
  const auto send = [&](const Variants& filter) {
    sdbus::createProxy(*client_, bus::kBusName, bus::kRootPath)
        ->callMethod("ListIncidents")
        .onInterface(bus::kManagerInterface)
        .withArguments(filter, std::uint32_t{0}, std::string());
  };
  EXPECT_THAT(error_of([&] { send({{"state", sdbus::Struct<bool>(true)}}); }), ::testing::StartsWith("Invalid: "));
  EXPECT_THAT(error_of([&] { send({{"state", std::map<std::string, std::string>{}}}); }), HasSubstr("no place"));
  server_->run([](RunningService& server) { EXPECT_THAT(server.backend.queries, IsEmpty()); });
}

TEST_F(BusServiceTest, NamesItsErrors) {
  publish_samples();
  EXPECT_THAT(error_of([&] { manager_->GetIncident(99); }), HasSubstr("NotFound: no incident 99"));
  EXPECT_THAT(error_of([&] { manager_->GetIncident(UINT64_MAX); }), HasSubstr("NotFound"));
  EXPECT_THAT(error_of([&] { manager_->Approve(7, samples::digest('0')); }), HasSubstr("StalePlan: the plan has"));
  EXPECT_THAT(error_of([&] { manager_->Rescan("/dev/none"); }), HasSubstr("NotFound: device /dev/none"));
  EXPECT_EQ(error_of([&] { manager_->Rescan(""); }), "");
}

TEST_F(BusServiceTest, AnExceptionOfTheBackendIsANamedErrorAndALogLine) {
  publish_samples();
  server_->run([](RunningService& server) { server.backend.throws = true; });
  EXPECT_THAT(error_of([&] { manager_->GetIncident(7); }), ::testing::StartsWith("Unavailable: "));
  EXPECT_THAT(error_of([&] { manager_->Retry(7); }), ::testing::StartsWith("Unavailable: "));
  server_->run([](RunningService& server) {
    server.backend.throws = false;
    ASSERT_THAT(server.log.records, SizeIs(2));
    EXPECT_EQ(server.log.records[0].level, log::Level::kCritical);
    EXPECT_THAT(server.log.records[0].text, HasSubstr("the backend threw"));
  });
  EXPECT_EQ(error_of([&] { manager_->GetIncident(7); }), "");
}

TEST_F(BusServiceTest, StartsAScrubAndTellsHowItGoesOn) {
  publish_samples();
  EXPECT_THAT(error_of([&] { manager_->GetScrub("/dev/pmem0"); }), ::testing::StartsWith("NotFound: "));
  EXPECT_THAT(error_of([&] { manager_->Scrub("/dev/none"); }), ::testing::StartsWith("NotFound: "));
  manager_->Scrub("/dev/pmem0");
  EXPECT_THAT(error_of([&] { manager_->Scrub("/dev/pmem0"); }), ::testing::StartsWith("Busy: "));
  const Json running = manager_->GetScrub("/dev/pmem0").json;
  EXPECT_EQ(
      running,
      Json({{"device", "/dev/pmem0"}, {"state", "running"}, {"size", 1U << 30U}, {"done", 4096U}, {"reason", ""}}));
  const Json done = manager_->GetScrub("/dev/pmem0").json;
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("source"), "read");
  EXPECT_EQ(done.at("unreadable"), to_json(samples::scrub_reply().unreadable));
  EXPECT_EQ(done.at("unanswered"), Json({{"bytes", 0U}, {"ranges", Json::array()}}));
  EXPECT_THAT(error_of([&] { manager_->CancelScrub("/dev/pmem0"); }), ::testing::StartsWith("NotFound: "));
  manager_->Scrub("/dev/slow0");
  manager_->CancelScrub("/dev/slow0");
  EXPECT_EQ(manager_->GetScrub("/dev/slow0").json.at("state"), "cancelled");
  server_->run([](RunningService& server) { EXPECT_EQ(server.backend.scrubbed_by, "uid 0"); });
}

}  // namespace
}  // namespace pmend::testing
