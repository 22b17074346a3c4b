// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/incident.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/report.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <string>

// The JSON that people's tools rely on, as DESIGN.md section 7 shows it.
namespace pmend {
namespace {

constexpr const char* kIncident = R"({
  "id": 7, "state": "held", "device": "/dev/pmem0", "device_id": "ns:1", "offset": 1048576, "length": 512,
  "sources": ["badblocks"], "first_seen": "2026-11-22T09:00:00Z", "seen": 1,
  "owners": [ { "kind": "file",
                "filesystem": {"type": "xfs", "uuid": "u", "label": "", "mount_point": "/srv"},
                "inode": 131, "generation": 77,
                "paths": [ {"text": "/srv/a"}, {"text": "/srv/b\\xff", "bytes_base64": "L3Nydi9i/w=="} ],
                "file_offset": 40960, "device_offset": 1048576, "length": 512, "shared": false } ],
  "plan": { "hash": "0000000000000000000000000000000000000000000000000000000000000000",
            "method": "recovery-write", "units": 1, "bytes_bad": 512, "bytes_salvageable": 3584, "bytes_lost": 512 },
  "decision": { "action": "hold", "rule": "postgres-asks", "reasons": ["asks"] },
  "job": 3, "outcome": null, "reason": "waits"
})";

TEST(Contract, OfAnIncident) {
  const Json json = parse_json_text(kIncident).value().value;
  const auto incident = from_json<Incident>(json);
  ASSERT_TRUE(incident.has_value()) << incident.error().message();
  EXPECT_EQ(incident->device_range, (ByteRange{1048576, 512}));
  EXPECT_EQ(incident->owners[0].file, (FileId{131, 77}));
  EXPECT_EQ(incident->owners[0].paths[1].bytes, "/srv/b\xFF");
  EXPECT_EQ(incident->plan->bytes_salvageable, 3584U);
  EXPECT_EQ(to_json(*incident), json);
}

TEST(Contract, NothingYetIsNullAndNotLeftOut) {
  const Json json = to_json(Incident{.id = {1}, .device_range = {0, 512}});
  for (const char* key : {"plan", "decision", "job", "outcome"}) {
    ASSERT_TRUE(json.contains(key)) << key;
    EXPECT_TRUE(json[key].is_null()) << key;
  }
}

TEST(Contract, OfAReport) {
  Json json = {{"version", 1}, {"incident", parse_json_text(kIncident).value().value}};
  const Json range = {{"paths", Json::array({{{"text", "/srv/a"}}})},
                      {"inode", 131},
                      {"file_offset", 40960},
                      {"length", 512},
                      {"device_offset", 1048576}};
  json["lost"] = Json::array({range});
  json["salvaged"] = Json::array({range});
  json["salvaged"][0]["from"] = "page-cache";
  json["restored"] = Json::array({range});
  json["restored"][0]["from"] = "hook";
  json["units"] = {
      {{"device_offset", 1048576}, {"length", 4096}, {"method", "recovery-write"}, {"sectors", "gggLgggg"}}};
  json["approval"] = nullptr;
  json["proof"] = {{"badblocks_clear", true},
                   {"read_back", true},
                   {"neighbours_unchanged", true},
                   {"extents_before", samples::digest('a')},
                   {"extents_after", samples::digest('a')},
                   {"attributes_unchanged", true}};
  const auto report = from_json<Report>(json);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->manifest.salvaged[0].from, SavedFrom::kPageCache);
  EXPECT_EQ(to_json(*report), json);

  json["version"] = 2;
  EXPECT_EQ(from_json<Report>(json).error().what, "/version: got 2, expected 1");
}

TEST(Contract, ARawOwnerHasNoFile) {
  const Json json = to_json(Owner{.kind = OwnerKind::kRaw, .device_range = {0, 512}});
  EXPECT_EQ(to_json_text(json), R"({"device_offset":0,"kind":"raw","length":512,"paths":[],"shared":false})");
}

TEST(OwnerJson, OfAFileNeedsItsIdentity) {
  for (const char* key : {"filesystem", "inode", "file_offset"}) {
    Json json = to_json(samples::file_owner());
    json.erase(key);
    EXPECT_FALSE(from_json<Owner>(json).has_value()) << key;
  }
  Json json = to_json(samples::file_owner());
  json["file_offset"] = INT64_MAX;
  EXPECT_EQ(from_json<Owner>(json).error().what, "file_offset and length go past the largest file offset");
}

TEST(OwnerJson, MountPointKeepsItsBytes) {
  FileSystemRef filesystem{.type = "ext4", .mount_point = "/mnt/\xFF"};
  const Json json = to_json(filesystem);
  EXPECT_EQ(json["mount_point"], "/mnt/\\xff");
  EXPECT_EQ(from_json<FileSystemRef>(json).value(), filesystem);
}

TEST(OwnerJson, MountPointHoldsNoNul) {
  FileSystemRef filesystem{.type = "ext4", .mount_point = std::string("/mnt\0/x", 7)};
  EXPECT_FALSE(from_json<FileSystemRef>(to_json(filesystem)).has_value());
}

}  // namespace
}  // namespace pmend
