// SPDX-License-Identifier: Apache-2.0
#include "worker/suspects.hpp"

#include "pmend/base/unique_fd.hpp"
#include "worker/setting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace pmend::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SuspectListTest : public testing::Test {
 protected:
  SuspectListTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-suspects-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~SuspectListTest() override { std::filesystem::remove_all(directory_); }

  SuspectList list(const std::string& id = "wwn:1") const { return {directory_, id}; }
  std::vector<ByteRange> ranges(const std::string& id = "wwn:1") const { return list(id).read().value().ranges(); }
  std::string text() const { return read_text_file(list().path()).value(); }
  void put(const std::string& text) const { ASSERT_TRUE(replace_file(list().path(), text)); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }

  std::string directory_;
};

RangeSet set(const std::vector<ByteRange>& ranges) {
  return RangeSet(ranges);
}

TEST_F(SuspectListTest, ADeviceThatNothingIsKnownOfHasAnEmptyOneAndNoFile) {
  EXPECT_THAT(ranges(), IsEmpty());
  ASSERT_TRUE(list().note({}, set({{0, 4096}})).has_value());
  EXPECT_EQ(files(), 0U);
}

TEST_F(SuspectListTest, WhatFailedEntersAndOnlyWhatWasReadLeaves) {
  EXPECT_EQ(list().note(set({{4096, 1024}}), {}).value(), set({{4096, 1024}}));
  list().note(set({{1024, 512}}), set({{8192, 4096}})).value();
  EXPECT_THAT(ranges(), ElementsAre(ByteRange{1024, 512}, ByteRange{4096, 1024}));
  list().note({}, set({{4096, 512}})).value();
  EXPECT_THAT(ranges(), ElementsAre(ByteRange{1024, 512}, ByteRange{4608, 512}));
  list().note({}, set({{0, 1U << 20U}})).value();
  EXPECT_THAT(ranges(), IsEmpty());
  EXPECT_EQ(files(), 0U);
}

TEST_F(SuspectListTest, WhatCouldBeReadOnceAndThenNotIsBad) {
  EXPECT_EQ(list().note(set({{512, 512}}), set({{0, 4096}})).value(), set({{512, 512}}));
}

TEST_F(SuspectListTest, EachDeviceHasItsOwn) {
  list("wwn:1").note(set({{512, 512}}), {}).value();
  list("wwn:2").note(set({{1024, 512}}), {}).value();
  EXPECT_THAT(ranges("wwn:1"), ElementsAre(ByteRange{512, 512}));
  EXPECT_THAT(ranges("wwn:2"), ElementsAre(ByteRange{1024, 512}));
}

TEST_F(SuspectListTest, HostileIdsStayInTheDirectory) {
  for (const std::string& id :
       {std::string("../../etc/passwd"), std::string("/"), std::string("."), std::string(), std::string(5000, 'x'),
        std::string("a\nb\"\\c"), std::string("loop:/tmp/\xC3\xA9@0:1")}) {
    EXPECT_EQ(std::filesystem::path(list(id).path()).parent_path(), directory_) << id;
    list(id).note(set({{512, 512}}), {}).value();
    EXPECT_THAT(ranges(id), ElementsAre(ByteRange{512, 512})) << id;
  }
  EXPECT_EQ(files(), 7U);
}

TEST_F(SuspectListTest, IsForRootAlone) {
  list().note(set({{512, 512}}), {}).value();
  struct stat status = {};
  ASSERT_EQ(stat(list().path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(SuspectListTest, DamageIsSaidWithItsPlaceAndNothingIsOverwritten) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ".json:1:1: "},
      {"{\"version\":1,", ".json:1:"},
      {"[]", ".json:1:1: "},
      {R"({"version":2,"device_id":"wwn:1","ranges":[]})", ".json:1:12: /version"},
      {R"({"version":1,"device_id":"wwn:1"})", "key \"ranges\" is missing"},
      {R"({"version":1,"device_id":"wwn:1","ranges":[],"more":1})", "unknown key \"more\""},
      {R"({"version":1,"device_id":"wwn:1","device_id":"wwn:1","ranges":[]})", "is there twice"},
      {"{\"version\":1,\"device_id\":\"wwn:1\",\n\"ranges\":[{\"offset\":512,\"length\":0}]}", ".json:2:"},
      {R"({"version":1,"device_id":"wwn:1","ranges":[{"offset":-512,"length":512}]})", "/ranges/0/offset"},
      {R"({"version":1,"device_id":"wwn:1","ranges":[{"offset":512,"length":1e300}]})", "/ranges/0/length"},
      {R"({"version":1,"device_id":"wwn:1","ranges":[{"offset":9223372036854775807,"length":512}]})", "/ranges/0"},
      {R"({"version":1,"device_id":"wwn:1","ranges":[{"offset":100,"length":512}]})", "whole sectors"},
      {R"({"version":1,"device_id":"wwn:1","ranges":[{"offset":512,"length":512},{"offset":0,"length":1024}]})",
       "in order"},
      {R"({"version":1,"device_id":"wwn:2","ranges":[]})", "the list of another device, wwn:2"},
  };
  for (const auto& [damaged, message] : cases) {
    put(damaged);
    const auto read = list().read();
    ASSERT_FALSE(read.has_value()) << damaged;
    EXPECT_TRUE(read.error().is(Errc::kCorrupt)) << damaged;
    EXPECT_THAT(read.error().message(), HasSubstr(message)) << damaged;
    EXPECT_THAT(read.error().message(), HasSubstr(list().path())) << damaged;
    EXPECT_FALSE(list().note(set({{512, 512}}), {}).has_value()) << damaged;
    EXPECT_EQ(text(), damaged);
  }
}

TEST_F(SuspectListTest, WhatAKilledWriterLeftIsInNobodysWay) {
  list().note(set({{512, 512}}), {}).value();
  ASSERT_TRUE(replace_file(directory_ + "/x", "{\"version\":1,\"dev"));
  std::filesystem::rename(directory_ + "/x", list().path() + ".new");
  EXPECT_THAT(ranges(), ElementsAre(ByteRange{512, 512}));
  list().note(set({{4096, 512}}), {}).value();
  EXPECT_THAT(ranges(), ElementsAre(ByteRange{512, 512}, ByteRange{4096, 512}));
}

TEST_F(SuspectListTest, WhatCannotBeWrittenIsAnErrorAndLeavesTheListAsItWas) {
  list().note(set({{512, 512}}), {}).value();
  std::filesystem::create_directory(list().path() + ".new");
  EXPECT_FALSE(list().note(set({{4096, 512}}), {}).has_value());
  EXPECT_THAT(ranges(), ElementsAre(ByteRange{512, 512}));
  EXPECT_FALSE(SuspectList(directory_ + "/missing", "wwn:1").note(set({{512, 512}}), {}).has_value());
}

TEST_F(SuspectListTest, HasAnEndOfPatience) {
  RangeSet many;
  for (std::uint64_t i = 0; i < kMostSuspects; ++i) {
    many.insert({i * 1024, 512});
  }
  ASSERT_TRUE(list().note(many, {}).has_value());
  EXPECT_EQ(list().read().value(), many);
  const auto more = list().note(set({{1U << 30U, 512}}), {});
  ASSERT_FALSE(more.has_value());
  EXPECT_TRUE(more.error().is(Errc::kRefused));
  EXPECT_EQ(list().read().value(), many);
}

TEST(SuspectDirectory, LiesBesideTheSpool) {
  for (const auto& [spool, suspects] : std::vector<std::pair<std::string, std::string>>{
           {"/var/lib/pmend-worker/spool", "/var/lib/pmend-worker/suspects"},
           {"/a/spool/", "/a/suspects"},
           {"spool", "suspects"}}) {
    Options options;
    options.spool_dir = spool;
    EXPECT_EQ(suspect_directory(options), suspects);
  }
}

}  // namespace
}  // namespace pmend::worker
