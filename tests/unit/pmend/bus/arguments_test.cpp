// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/arguments.hpp"

#include "bus/names.hpp"
#include "pmend/model/json_text.hpp"

#include <climits>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pmend::bus {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Json parsed(const std::string& text) {
  return parse_json_text(text).value().value;
}

TEST(Query, WithoutAFilterAsksForWhatIsOpen) {
  const auto query = parse_query(Json::object(), 0, "");
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->limit, kMaxPage);
  EXPECT_EQ(query->after, IncidentId{0});
  EXPECT_THAT(query->states, Contains(IncidentState::kHeld));
  EXPECT_THAT(query->states, Not(Contains(IncidentState::kRepaired)));
  EXPECT_THAT(query->states, Not(Contains(IncidentState::kCleared)));
  EXPECT_THAT(query->states, Not(Contains(IncidentState::kDismissed)));
}

TEST(Query, TakesStatesADeviceAllAndACursor) {
  const auto query = parse_query(parsed(R"({"state": "held", "device": "/dev/pmem0"})"), 1000, "41");
  EXPECT_EQ(query, (IncidentQuery{{IncidentState::kHeld}, "/dev/pmem0", {41}, 1000}));
  EXPECT_THAT(parse_query(parsed(R"({"state": ["held", "repaired"], "all": false})"), 1, "")->states,
              ElementsAre(IncidentState::kHeld, IncidentState::kRepaired));
  EXPECT_THAT(parse_query(parsed(R"({"all": true})"), 1, "")->states, IsEmpty());
}

struct BadQuery {
  const char* filter;
  std::uint32_t limit;
  const char* cursor;
  const char* named;
};

TEST(Query, NamesWhatIsWrong) {
  const std::vector<BadQuery> rows = {
      {"{}", 1001, "", "limit"},
      {"{}", UINT32_MAX, "", "limit"},
      {"{}", 0, "x", "cursor"},
      {"{}", 0, "-1", "cursor"},
      {"{}", 0, "99999999999999999999", "cursor"},
      {"{}", 0, "7\n", "cursor"},
      {R"({"sate": "held"})", 0, "", "/sate"},
      {R"({"state": 7})", 0, "", "/state"},
      {R"({"state": -7})", 0, "", "/state"},
      {R"({"state": "bogus"})", 0, "", "/state"},
      {R"({"state": ["held", "bogus"]})", 0, "", "/state/1"},
      {R"({"state": {"a": 1}})", 0, "", "/state"},
      {R"({"all": "yes"})", 0, "", "/all"},
      {R"({"all": 1})", 0, "", "/all"},
      {R"({"device": {"text": "/dev/pmem0"}})", 0, "", "/device"},
      {R"({"device": [], "all": 7})", 0, "", "/all"},
  };
  for (const BadQuery& row : rows) {
    const auto query = parse_query(parsed(row.filter), row.limit, row.cursor);
    ASSERT_FALSE(query.has_value()) << row.filter;
    EXPECT_EQ(query.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(query.error().what, HasSubstr(row.named));
  }
}

TEST(Query, RefusesAListOfStatesThatIsLongerThanThereAreStates) {
  Json filter = {{"state", Json::array()}};
  for (int i = 0; i < 1000; ++i) {
    filter["state"].push_back("held");
  }
  EXPECT_FALSE(parse_query(filter, 0, "").has_value());
}

TEST(LocateArguments, MustBeARangeOrAnAbsolutePath) {
  const auto range = parse_range("/dev/pmem0", 4096, 512);
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->where->device_range, (ByteRange{4096, 512}));
  EXPECT_FALSE(parse_range("", 0, 512).has_value());
  EXPECT_FALSE(parse_range(std::string(PATH_MAX, 'a'), 0, 512).has_value());
  EXPECT_FALSE(parse_range("/dev/pmem0", 0, 0).has_value());
  EXPECT_FALSE(parse_range("/dev/pmem0", UINT64_MAX, UINT64_MAX).has_value());

  const auto many = parse_ranges("/dev/pmem0", {4096, 0}, {512, 1});
  ASSERT_TRUE(many.has_value());
  EXPECT_THAT(many->among->ranges, ElementsAre(ByteRange{4096, 512}, ByteRange{0, 1}));
  EXPECT_FALSE(parse_ranges("/dev/pmem0", {4096}, {512, 1}).has_value());
  EXPECT_FALSE(parse_ranges("/dev/pmem0", {}, {}).has_value());

  EXPECT_EQ(parse_path({'/', 0xFF})->path, FilePath{"/\xFF"});
  EXPECT_FALSE(parse_path({}).has_value());
  EXPECT_FALSE(parse_path({'a'}).has_value());
  EXPECT_FALSE(parse_path({'/', 0, 'a'}).has_value());
  EXPECT_FALSE(parse_path(std::vector<std::uint8_t>(PATH_MAX, '/')).has_value());
}

TEST(Page, IsCutWhereItGetsTooLargeForOneAnswer) {
  Incident small;
  Incident large;
  large.owners.emplace_back();
  large.owners.front().paths.assign(3000, FilePath{"/" + std::string(1000, 'a')});
  EXPECT_EQ(fitting({}), 0U);
  EXPECT_EQ(fitting(std::vector<Incident>(kMaxPage, small)), kMaxPage);
  EXPECT_EQ(fitting({small, large, large, large, small}), 3U);
  large.owners.front().paths.assign(10000, FilePath{"/" + std::string(1000, 'a')});
  EXPECT_EQ(fitting({large, small}), 1U);
}

}  // namespace
}  // namespace pmend::bus
