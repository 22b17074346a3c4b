// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/json_reader.hpp"
#include "pmend/model/range_list.hpp"
#include "unit/repair/planner_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <linux/fiemap.h>

namespace pmend::repair {
namespace {

using protocol::PlanReply;
using protocol::PlanRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Planner, AColdSectorIsRewrittenAloneAndLost) {
  const Plan plan = Facts({{8192 + 1024, 512}}).page(2, CacheState::kAbsent).good();
  EXPECT_EQ(plan.method, Method::kRewrite);
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit, (Unit{on_device({9216, 512}), Method::kRewrite, "L"}));
  EXPECT_THAT(plan.units[0].mappings, ElementsAre(Mapping{kFile, 9216, on_device({9216, 512})}));
  EXPECT_THAT(plan.lost, ElementsAre(on_device({9216, 512})));
  EXPECT_THAT(plan.bad, ElementsAre(on_device({9216, 512})));
  EXPECT_THAT(plan.salvageable, IsEmpty());
  EXPECT_EQ(plan.boot_id, "boot");
  EXPECT_EQ(plan.device_id, "loop:x");
}

TEST(Planner, PunchIsForRulesThatNameNothingGentlerAndTakesWholeBlocks) {
  Facts facts({{8192 + 1024, 512}});
  facts.request().methods = {Method::kRewrite, Method::kPunch};
  EXPECT_EQ(facts.page(2, CacheState::kAbsent).good().method, Method::kRewrite);
  facts.request().methods = {Method::kPunch};
  const Plan plan = facts.good();
  EXPECT_EQ(plan.method, Method::kPunch);
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit, (Unit{on_device({8192, 4096}), Method::kPunch, "ggLggggg"}));
  EXPECT_THAT(plan.lost, ElementsAre(on_device({9216, 512})));
}

TEST(Planner, NothingIsPunchedWhereMemoryHadAMachineCheck) {
  Facts facts({{8192, 512}});
  facts.request().methods = {Method::kPunch};
  facts.facts().memory_errors = "this machine had a memory error";
  EXPECT_THAT(facts.page(2, CacheState::kAbsent).refusal().reason, HasSubstr("memory error"));
}

TEST(Planner, ZeroinitIsNamedWithWhyItIsNotDone) {
  Facts facts({{8192, 512}});
  facts.request().methods = {Method::kZeroinit};
  facts.facts().no_zeroinit = "this kernel does not have it";
  EXPECT_THAT(facts.page(2, CacheState::kAbsent).refusal().reason, HasSubstr("this kernel does not have it"));
  facts.place().memory = true;  // now a whole page, of which seven sectors can be read
  EXPECT_THAT(facts.refusal().reason, HasSubstr("zeros of sectors that can be read"));
}

TEST(Planner, ACachedPageIsWrittenBackWholeAndLosesNothing) {
  const Plan plan = Facts({{8192 + 1024, 512}}).page(2, CacheState::kWhole).good();
  EXPECT_EQ(plan.method, Method::kRedirty);
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit, (Unit{on_device({8192, 4096}), Method::kRedirty, "ggCggggg"}));
  EXPECT_THAT(plan.lost, IsEmpty());
  EXPECT_THAT(plan.salvageable, ElementsAre(on_device({8192, 4096})));
}

TEST(Planner, TheLargestBlockThatMustBeWrittenAtOnceIsTheUnit) {
  Facts by_file({{8192 + 1024, 512}});
  by_file.facts().file.direct_alignment = 4096;
  Facts by_medium({{8192 + 1024, 512}});
  by_medium.place().memory = true;
  for (Facts* facts : {&by_file, &by_medium}) {
    const Plan plan = facts->page(2, CacheState::kAbsent).good();
    EXPECT_EQ(plan.units[0].unit, (Unit{on_device({8192, 4096}), Method::kRewrite, "ggLggggg"}));
    EXPECT_THAT(plan.lost, ElementsAre(on_device({9216, 512})));
    EXPECT_EQ(total_bytes(plan.salvageable), 3584U);
  }
}

TEST(Planner, EachPageTakesItsOwnMethodAndThePlanTheMostIntrusive) {
  const Plan plan = Facts({{0, 512}, {4096, 512}}).page(0, CacheState::kWhole).page(1, CacheState::kAbsent).good();
  ASSERT_THAT(plan.units, SizeIs(2));
  EXPECT_EQ(plan.units[0].unit.method, Method::kRedirty);
  EXPECT_EQ(plan.units[1].unit.method, Method::kRewrite);
  EXPECT_EQ(plan.method, Method::kRewrite);
}

TEST(Planner, AdjoiningBlocksAreOneUnitUpToItsLimit) {
  Facts facts({{0, kSize}});
  for (std::uint64_t page = 0; page < 16; ++page) {
    facts.page(page, CacheState::kAbsent);
  }
  const Plan plan = facts.good();
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit.device_range, on_device({0, kSize}));
  EXPECT_EQ(plan.units[0].unit.sectors, std::string(128, 'L'));
  EXPECT_EQ(plan.units[0].mappings[0].device_range, on_device({0, kSize}));
}

TEST(Planner, OnlySectorsOfTheIncidentAreTouched) {
  Facts facts({{8192, 512}, {8192 + 1024, 512}});
  facts.request().ranges = {on_device({8192, 512})};
  const Plan plan = facts.page(2, CacheState::kAbsent).good();
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit.device_range, on_device({8192, 512}));
  EXPECT_THAT(plan.bad, ElementsAre(on_device({8192, 512})));
}

TEST(Planner, ALargeFolioIsAllOfItTheUnit) {
  const Plan plan = Facts({{8192, 512}}).page(0, CacheState::kWhole, 4).good();
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit.device_range, on_device({0, 16384}));
}

TEST(Planner, ATailPageInTheCacheIsWrittenBackToTheEndOfItsBlock) {
  Facts facts({{3 * 4096 + 512, 512}});
  facts.facts().file.attributes.size = 3 * 4096 + 1636;
  const Plan plan = facts.page(3, CacheState::kWhole).good();
  EXPECT_EQ(plan.units[0].unit.device_range, on_device({3 * 4096, 4096}));
}

TEST(Planner, AColdTailSectorIsWrittenOnlyWhereTheFileDoesNotGrow) {
  Facts inside({{3 * 4096 + 512, 512}});
  inside.facts().file.attributes.size = 3 * 4096 + 1024;
  EXPECT_EQ(inside.page(3, CacheState::kAbsent).good().method, Method::kRewrite);
  Facts across({{3 * 4096 + 512, 512}});
  across.facts().file.attributes.size = 3 * 4096 + 1023;
  const PlanRefusal refusal = across.page(3, CacheState::kAbsent).refusal();
  EXPECT_EQ(refusal.state, RefusalState::kBlocked);
  EXPECT_THAT(refusal.reason, HasSubstr("longer"));
}

struct RefusalCase {
  const char* name;
  std::function<Facts()> facts;
  RefusalState state;
  const char* reason;
};

Facts cold() {
  return Facts({{0, 512}});
}

const std::vector<RefusalCase> kRefusals{
    {"shared",
     [] {
       return cold().extent_page({0, 4096}, CacheState::kWhole, FIEMAP_EXTENT_SHARED);
     },
     RefusalState::kBlocked, "shared"},
    {"shared_cold",
     [] {
       return cold().extent_page({0, 4096}, CacheState::kAbsent, FIEMAP_EXTENT_SHARED);
     },
     RefusalState::kBlocked, "shared"},
    {"unwritten",
     [] {
       return cold().extent_page({0, 4096}, CacheState::kAbsent, FIEMAP_EXTENT_UNWRITTEN);
     },
     RefusalState::kBlocked, "preallocated"},
    {"encoded",
     [] {
       return cold().extent_page({0, 4096}, CacheState::kAbsent, FIEMAP_EXTENT_ENCODED);
     },
     RefusalState::kBlocked, "does not say"},
    {"partly_cached", [] { return cold().page(0, CacheState::kPartly); }, RefusalState::kBlocked, "only copy"},
    {"in_use",
     [] {
       Facts facts = cold().page(0, CacheState::kAbsent);
       facts.facts().in_use = "12 (postgres)";
       return facts;
     },
     RefusalState::kBlocked, "12 (postgres)"},
    {"capability",
     [] {
       Facts facts = cold().page(0, CacheState::kAbsent);
       facts.facts().file.xattrs["security.capability"] = "x";
       return facts;
     },
     RefusalState::kBlocked, "security.capability"},
    {"rewrite_not_named",
     [] {
       Facts facts = cold().page(0, CacheState::kAbsent);
       facts.request().methods = {Method::kRedirty, Method::kFrozenWrite};
       return facts;
     },
     RefusalState::kBlocked, "\"rewrite\""},
    {"redirty_not_named",
     [] {
       Facts facts = cold().page(0, CacheState::kWhole);
       facts.request().methods = {Method::kRewrite};
       return facts;
     },
     RefusalState::kBlocked, "\"redirty\""},
    {"hole_in_folio",
     [] {
       Facts facts = cold().page(0, CacheState::kWhole, 2);
       facts.facts().pages[0].pieces[0].file_range.length = 4096;
       facts.facts().pages[0].readable[0].resize(8);
       return facts;
     },
     RefusalState::kBlocked, "hole"},
    {"unlisted",
     [] {
       Facts facts = cold().page(0, CacheState::kAbsent);
       facts.facts().list.bad.clear();
       return facts;
     },
     RefusalState::kBlocked, "does not name"},
    {"phantom",
     [] {
       Facts facts = cold().page(0, CacheState::kAbsent);
       facts.facts().pages[0].readable[0].assign(8, true);
       return facts;
     },
     RefusalState::kBlocked, "can be read"},
    {"cleared",
     [] {
       Facts facts = cold().page(0, CacheState::kAbsent);
       facts.facts().pages[0].readable[0].assign(8, true);
       facts.facts().list.bad.clear();
       return facts;
     },
     RefusalState::kCleared, "not listed"},
    {"cleared_but_list_cut",
     [] {
       Facts facts = cold().page(0, CacheState::kAbsent);
       facts.facts().pages[0].readable[0].assign(8, true);
       facts.facts().list = {};
       return facts;
     },
     RefusalState::kUnresolved, "cut short"},
};

class PlannerRefuses : public testing::TestWithParam<RefusalCase> {};

TEST_P(PlannerRefuses, WithStateAndReason) {
  const PlanRefusal refusal = GetParam().facts().refusal();
  EXPECT_EQ(refusal.state, GetParam().state);
  EXPECT_THAT(refusal.reason, HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(Table, PlannerRefuses, testing::ValuesIn(kRefusals),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

TEST(Planner, ACutListDoesNotHideASectorThatCannotBeRead) {
  Facts facts({{0, 512}});
  facts.page(0, CacheState::kAbsent).facts().list = {};
  EXPECT_EQ(facts.good().method, Method::kRewrite);
}

TEST(Planner, TooManySeparatePlacesAreTooMuchForOnePlan) {
  // Every second sector of 40 pages.
  std::vector<ByteRange> bad;
  for (std::uint64_t at = 0; at < 40 * kPageBytes; at += 1024) {
    bad.push_back({at, 512});
  }
  Facts facts(bad);
  facts.facts().file.attributes.size = 40 * kPageBytes;
  for (std::uint64_t page = 0; page < 40; ++page) {
    facts.page(page, CacheState::kAbsent);
  }
  EXPECT_THAT(facts.refusal().reason, HasSubstr("too large"));
}

TEST(Planner, ItsPlansAreWhatTheModelAccepts) {
  for (const CacheState cache : {CacheState::kAbsent, CacheState::kWhole}) {
    const Plan plan = Facts({{0, 512}, {8192 + 3584, 512}}).page(0, cache).page(2, cache).good();
    const auto read = from_json<Plan>(to_json(plan));
    ASSERT_TRUE(read.has_value()) << read.error().message();
    EXPECT_EQ(*read, plan);
  }
}

Owner owner_of(OwnerKind kind) {
  Owner owner;
  owner.kind = kind;
  owner.detail = "why";
  return owner;
}

TEST(PlannerOwners, OnlyOneFileIsRepaired) {
  Owner file = owner_of(OwnerKind::kFile);
  file.file = kFile;
  EXPECT_EQ(refusal_for_owners({file}), std::nullopt);
  EXPECT_EQ(refusal_for_owners({file, file}), std::nullopt);
  Owner other = file;
  other.file->inode = 132;
  EXPECT_EQ(refusal_for_owners({file, other})->state, RefusalState::kBlocked);
  Owner shared = file;
  shared.shared = true;
  EXPECT_EQ(refusal_for_owners({shared})->state, RefusalState::kBlocked);
}

TEST(PlannerOwners, EverythingElseIsBlockedOrUnresolvedByKind) {
  EXPECT_EQ(refusal_for_owners({})->state, RefusalState::kUnresolved);
  EXPECT_EQ(refusal_for_owners({owner_of(OwnerKind::kUnknown)})->state, RefusalState::kUnresolved);
  EXPECT_THAT(refusal_for_owners({owner_of(OwnerKind::kUnknown)})->reason, HasSubstr("why"));
  EXPECT_EQ(refusal_for_owners({owner_of(OwnerKind::kFile)})->state, RefusalState::kUnresolved) << "no identity";
  for (const OwnerKind kind : {OwnerKind::kMetadata, OwnerKind::kFree, OwnerKind::kRaw}) {
    EXPECT_EQ(refusal_for_owners({owner_of(kind)})->state, RefusalState::kBlocked);
  }
}

}  // namespace
}  // namespace pmend::repair
