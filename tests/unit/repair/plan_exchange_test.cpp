// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/plan_exchange.hpp"

#include "pmend/model/json_reader.hpp"
#include "pmend/model/range_list.hpp"
#include "pmend/repair/exchange_job.hpp"
#include "pmend/repair/quarantine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pmend::repair {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr FileId kOwner{131, 77};
constexpr FileId kTwin{132, 78};
constexpr std::uint64_t kBegin = 1U << 20U;  // where the file begins on the device

Place device_place() {
  Place place;
  place.device = "/dev/loop0";
  place.device_id = "loop:x";
  place.device_bytes = 1U << 30U;
  place.filesystem = {"xfs", "uuid", "", "/mnt"};
  return place;
}

// Page `number` of a file in one extent, whose third sector is bad.
SharedPage bad_page(std::uint64_t number, CacheState cache = CacheState::kAbsent) {
  const ByteRange in_file{number * kPageBytes, kPageBytes};
  SharedPage page{{in_file, kBegin + in_file.offset, {}}, std::vector<bool>(8, true), cache};
  page.readable[2] = false;
  page.owners = {{kOwner, in_file.offset, page.piece.device_range()}};
  return page;
}

ExchangeFacts facts_of(std::vector<SharedPage> pages) {
  ExchangeFacts facts{"boot", {{}, true}, std::move(pages)};
  for (const SharedPage& page : facts.pages) {
    facts.list.bad.insert({page.piece.device_offset + 2 * kSectorBytes, kSectorBytes});
  }
  return facts;
}

Plan plan_of(const ExchangeFacts& facts) {
  const auto reply = make_exchange_plan(device_place(), facts);
  EXPECT_TRUE(reply.plan.has_value()) << reply.refusal->reason;
  return reply.plan.value_or(Plan());
}

std::string refusal_of(const ExchangeFacts& facts) {
  const auto reply = make_exchange_plan(device_place(), facts);
  return reply.refusal ? reply.refusal->reason : "";
}

TEST(PlanExchange, AColdPageIsExchangedWholeAndLosesItsBadSector) {
  const Plan plan = plan_of(facts_of({bad_page(2)}));
  EXPECT_EQ(plan.method, Method::kExchange);
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit, (Unit{{kBegin + 8192, 4096}, Method::kExchange, "ggLggggg"}));
  EXPECT_THAT(plan.lost, ElementsAre(ByteRange{kBegin + 8192 + 1024, 512}));
  EXPECT_THAT(plan.bad, ElementsAre(ByteRange{kBegin + 8192 + 1024, 512}));
  EXPECT_EQ(total_bytes(plan.salvageable), 3584U);
}

TEST(PlanExchange, WhatThePageCacheHasWhollyOrInPartIsNotLost) {
  for (const CacheState cache : {CacheState::kWhole, CacheState::kPartly}) {
    const Plan plan = plan_of(facts_of({bad_page(2, cache)}));
    EXPECT_EQ(plan.units[0].unit.sectors, "ggCggggg");
    EXPECT_THAT(plan.lost, IsEmpty());
  }
}

TEST(PlanExchange, BehindTheEndOfTheFileNothingIsLost) {
  SharedPage page = bad_page(2);
  page.slack = 4096 - 1024;
  EXPECT_THAT(plan_of(facts_of({page})).lost, IsEmpty());
  page.slack = 4096 - 1025;
  EXPECT_EQ(total_bytes(plan_of(facts_of({page})).lost), 512U);
}

TEST(PlanExchange, PagesThatFollowEachOtherForAllTheirFilesAreOneUnit) {
  const Plan one = plan_of(facts_of({bad_page(3), bad_page(2)}));
  ASSERT_THAT(one.units, SizeIs(1));
  EXPECT_EQ(one.units[0].unit.sectors, "ggLgggggggLggggg");
  EXPECT_THAT(one.units[0].mappings, ElementsAre(Mapping{kOwner, 8192, {kBegin + 8192, 8192}}));
  SharedPage shared = bad_page(3);
  shared.owners.push_back({kTwin, 0, shared.piece.device_range()});
  EXPECT_THAT(plan_of(facts_of({bad_page(2), shared})).units, SizeIs(2));
}

TEST(PlanExchange, ASharedPageThatTheCacheHasForOneOfItsFilesIsLeftAlone) {
  SharedPage page = bad_page(2);
  page.owners.push_back({kTwin, 0, page.piece.device_range()});
  EXPECT_EQ(refusal_of(facts_of({page})), "");
  page.cached_by_others = true;
  EXPECT_THAT(refusal_of(facts_of({page})), HasSubstr("page cache"));
}

TEST(PlanExchange, WhatTheListDoesNotNameIsLeftAlone) {
  ExchangeFacts facts = facts_of({bad_page(2)});
  facts.list.bad.clear();
  EXPECT_THAT(refusal_of(facts), HasSubstr("does not name them"));
  facts.list.complete = false;
  EXPECT_EQ(refusal_of(facts), "");
}

TEST(PlanExchange, AUnitIsCheckedAgain) {
  const Place place = device_place();
  const PlannedUnit good = plan_of(facts_of({bad_page(2)})).units[0];
  EXPECT_FALSE(check_exchange_unit(good, place).has_value());
  PlannedUnit bad = good;
  bad.mappings.clear();
  EXPECT_TRUE(check_exchange_unit(bad, place).has_value());
  bad = good;
  bad.mappings.push_back(good.mappings[0]);  // the same piece twice
  EXPECT_TRUE(check_exchange_unit(bad, place).has_value());
  bad = good;
  bad.mappings[0].file_offset += 512;
  EXPECT_TRUE(check_exchange_unit(bad, place).has_value());
  bad = good;
  bad.unit.sectors.pop_back();
  EXPECT_TRUE(check_exchange_unit(bad, place).has_value());
  bad = good;
  bad.unit.method = Method::kRewrite;
  EXPECT_TRUE(check_exchange_unit(bad, place).has_value());
  bad = good;
  bad.unit.sectors[0] = kSectorRestored;
  EXPECT_TRUE(check_exchange_unit(bad, place).has_value());
}

TEST(Quarantine, ADonorsNameTellsWhatItIsFrom) {
  const std::string name = donor_name({kOwner, 36864, {0, 4096}}, "job-12-abc");
  EXPECT_EQ(name, "inode-131-at-36864.job-12-abc");
  EXPECT_EQ(spool_key_of(name), "job-12-abc");
  EXPECT_EQ(spool_key_of("notes"), "");
}

}  // namespace
}  // namespace pmend::repair
