// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/endangered_file.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/storm.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace pmend {
namespace {

// One type behind a common face: JSON in, JSON out, nothing if it was refused.
struct Form {
  std::string name;
  Json sample;
  std::function<std::optional<Json>(const Json&)> through;
};

template <class T>
Form form(std::string name, const T& sample) {
  return {std::move(name), to_json(sample), [](const Json& json) -> std::optional<Json> {
            const auto value = from_json<T>(json);
            return value ? std::optional<Json>(to_json(*value)) : std::nullopt;
          }};
}

Incident a_recurrence() {
  Incident incident = samples::incident();
  incident.medium = MediumPlace{"region0", 1U << 30U, {"nmem0 (8089)"}};
  incident.recurrence = Recurrence{2, incident.first_seen};
  incident.earlier = {
      {{3}, {4096, 512}, incident.first_seen, incident.first_seen, Outcome::kSucceeded, Method::kRewrite, 512},
      {{1}, {4096, 512}, incident.first_seen, incident.first_seen, {}, {}, 0}};
  return incident;
}

std::vector<Form> all_forms() {
  using namespace protocol;
  return {
      form("FileSystemRef", *samples::file_owner().filesystem),
      form("FileId", FileId{131, 77}),
      form("Owner", samples::file_owner()),
      form("MediaError", MediaError{"/dev/pmem0", "ns:1", {512, 512}, "ars"}),
      form("MediaErrorList", samples::media_errors()),
      form("Plan", samples::plan()),
      form("PlanRefusal", PlanRefusal{RefusalState::kUnresolved, "unknown owner"}),
      form("PlanBasis", samples::basis()),
      form("Incident", samples::incident()),
      form("Incident", a_recurrence()),
      form("Storm", Storm{samples::incident().first_seen, 33, 32}),
      form("EndangeredFile", EndangeredFile{*samples::file_owner().filesystem, 131, 77, {{"/srv/\xFF"}}, {{7}, {9}}}),
      form("Report", samples::report()),
      form("Step", samples::step()),
      form("DeviceInfo", samples::device_info()),
      form("WatchRequest", WatchRequest{false, {{"/dev/loop3", FilePath{"/l\xFF"}, 30}, {"/dev/sdb", {}, 60}}}),
      form("WatchReply", WatchReply{{"badblocks"}, {"no such device"}, {"no tracefs"}}),
      form("ObserveRequest", ObserveRequest{"/dev/pmem0", "ns:1", {{0, 512}}, {Fact::kNames, Fact::kXattrs}, 2000}),
      form("Observation", samples::observation()),
      form("PlanRequest", samples::plan_request()),
      form("PlanReply", PlanReply{samples::plan(), {}}),
      form("LocateRequest", LocateRequest{DeviceRange{"/dev/pmem0", {0, 512}}, {}}),
      form("DeviceRanges", DeviceRanges{"/dev/pmem0", {{0, 512}, {4096, 1}}}),
      form("LocateReply", LocateReply{samples::device_info(), {samples::file_owner()}, {{0, 512}}}),
      form("DeviceRequest", DeviceRequest{"/dev/pmem0"}),
      form("ScrubReply", samples::scrub_reply()),
      form("OpenersRequest", OpenersRequest{"/dev/pmem0", "ns:1", "aaaa-bbbb", {{131, 77}}}),
      form("OpenersReply", OpenersReply{{{{131, 77}, {{4711, "post\xFF", "postgresql.service", true}}}}}),
      form("FilesRequest", FilesRequest{"/dev/pmem0", "ns:1", FilesPlace{1, FilePath{"a/\xFF"}}}),
      form("FilesReply", FilesReply{{{"/srv/\xFF"}}, {"why"}, FilesPlace{2, {}}}),
      form("RepairRequest", samples::repair_request()),
      form("RepairReply", samples::repair_reply()),
      form("ProceedRequest", ProceedRequest{{3}, 1}),
      form("ReleaseRequest", ReleaseRequest{{3}, "job-3"}),
      form("InspectReply", samples::inspect_reply()),
      form("DeviceGone", DeviceGone{"/dev/pmem0", "ns:1"}),
      form("Gap", Gap{"udev", "ENOBUFS", "/dev/pmem0"}),
      form("Notice", Notice{"region", "the info block of namespace0.0 is bad"}),
      form("CountersReply", CountersReply{{{"region", "region0", 5, 2, 1, 7}}}),
      form("PmemInfo", samples::pmem_info()),
      form("Empty", Empty{}),
  };
}

// Every value inside `json`, by pointer.
void collect(const Json& json, const std::string& pointer, std::vector<std::string>& out) {
  out.push_back(pointer);
  if (json.is_structured()) {
    for (const auto& [key, value] : json.items()) {
      collect(value, pointer_to(pointer, key), out);
    }
  }
}

std::vector<std::string> pointers_in(const Json& json) {
  std::vector<std::string> pointers;
  collect(json, "", pointers);
  return pointers;
}

template <class T>
void expect_round_trip(const T& value) {
  const auto parsed = parse_json_text(to_json_text(to_json(value)));
  ASSERT_TRUE(parsed.has_value()) << parsed.error().to_string();
  const auto back = from_json<T>(parsed->value);
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_TRUE(*back == value) << to_json_text(parsed->value);
}

TEST(RoundTrip, KeepsEveryMember) {
  expect_round_trip(samples::report());
  expect_round_trip(samples::plan());
  expect_round_trip(samples::basis());
  expect_round_trip(samples::step());
  expect_round_trip(samples::media_errors());
  expect_round_trip(samples::observation());
  expect_round_trip(samples::plan_request());
  expect_round_trip(samples::repair_request());
  expect_round_trip(samples::repair_reply());
  expect_round_trip(samples::inspect_reply());
}

TEST(RoundTrip, KeepsAbsentMembersAbsent) {
  expect_round_trip(Owner{.kind = OwnerKind::kRaw, .device_range = {0, 512}});
  expect_round_trip(Incident{.id = {1}, .device_range = {0, 512}});
  expect_round_trip(Report{.incident = {.id = {1}, .device_range = {0, 512}}});
  expect_round_trip(Step{.job = {1}, .device_range = {0, 512}});
  expect_round_trip(protocol::PlanReply{{}, PlanRefusal{RefusalState::kBlocked, "somebody else froze it"}});
  expect_round_trip(protocol::LocateRequest{{}, FilePath{"/a"}});
  expect_round_trip(protocol::LocateRequest{{}, {}, protocol::DeviceRanges{"/dev/pmem0", {{0, 512}}}});
  expect_round_trip(protocol::Gap{"udev", "ENOBUFS", {}});
  expect_round_trip(protocol::PmemInfo{.name_space = "namespace0.1", .mode = protocol::PmemMode::kSector});
  expect_round_trip(protocol::HeldLock{.name = "ns:1"});
}

TEST(RoundTrip, WritesBackWhatItReads) {
  for (const Form& form : all_forms()) {
    const auto back = form.through(form.sample);
    ASSERT_TRUE(back.has_value()) << form.name;
    EXPECT_EQ(*back, form.sample) << form.name;
  }
}

// Whatever is put in the place of whatever value: refused, or understood as exactly what stands there.
TEST(HostileJson, IsRefusedOrKeptExactly) {
  const Json hostile[] = {nullptr,
                          true,
                          -1,
                          1.5,
                          1e300,
                          UINT64_MAX,
                          std::string("a\0b", 3),
                          std::string(5000, 'x'),
                          Json::array(),
                          Json::object(),
                          Json::array({nullptr}),
                          {{"offset", 1}}};
  for (const Form& form : all_forms()) {
    for (const std::string& pointer : pointers_in(form.sample)) {
      for (const Json& value : hostile) {
        Json changed = form.sample;
        changed[Json::json_pointer(pointer)] = value;
        const auto back = form.through(changed);
        EXPECT_TRUE(!back || *back == changed) << form.name << pointer << " = " << to_json_text(value).substr(0, 80);
      }
    }
  }
}

TEST(HostileJson, UnknownKeysAreRefusedInEveryObject) {
  for (const Form& form : all_forms()) {
    for (const std::string& pointer : pointers_in(form.sample)) {
      Json changed = form.sample;
      Json& place = changed[Json::json_pointer(pointer)];
      if (place.is_object()) {
        place["surprise"] = 1;
        EXPECT_FALSE(form.through(changed).has_value()) << form.name << pointer;
      }
    }
  }
}

TEST(HostileJson, MissingKeysAreRefusedOrStayMissing) {
  for (const Form& form : all_forms()) {
    for (const std::string& pointer : pointers_in(form.sample)) {
      if (pointer.empty()) {
        continue;
      }
      const Json::json_pointer place(pointer);
      Json changed = form.sample;
      Json& parent = changed[place.parent_pointer()];
      if (parent.is_object()) {
        parent.erase(place.back());
        const auto back = form.through(changed);
        EXPECT_TRUE(!back || *back == changed) << form.name << pointer;
      }
    }
  }
}

}  // namespace
}  // namespace pmend
