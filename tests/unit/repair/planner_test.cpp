// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/planner.hpp"

#include "pmend/model/json_reader.hpp"
#include "pmend/model/range_list.hpp"

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

constexpr FileId kFile{131, 77};
constexpr std::uint64_t kDevice = 1U << 20U;  // where the file begins on the device, in one extent
constexpr std::uint64_t kSize = 16 * kPageBytes;

ByteRange on_device(const ByteRange& file_range) {
  return {kDevice + file_range.offset, file_range.length};
}

// Facts about a file of 16 pages in one extent, in which the ranges of `bad` cannot be read.
class Facts {
 public:
  explicit Facts(std::vector<ByteRange> bad) : bad_(std::move(bad)) {
    facts_.boot_id = "boot";
    facts_.file.attributes.mode = 0100644;
    facts_.file.attributes.size = kSize;
    facts_.file.block_bytes = kPageBytes;
    facts_.file.direct_alignment = 512;
    facts_.list.complete = true;
    place_.device = "/dev/loop0";
    place_.device_id = "loop:x";
    place_.filesystem = {"xfs", "uuid", "", "/mnt"};
    request_.device_id = place_.device_id;
    Owner owner;
    owner.kind = OwnerKind::kFile;
    owner.file = kFile;
    request_.owners = {owner};
    request_.methods = {Method::kRedirty, Method::kRewrite};
    for (const ByteRange& range : bad_) {
      request_.ranges.push_back(on_device(range));
      facts_.list.bad.insert(on_device(range));
    }
  }

  Facts& page(std::uint64_t number, CacheState cache, std::uint64_t count = 1) {
    return extent_page({number * kPageBytes, count * kPageBytes}, cache, 0);
  }
  Facts& extent_page(const ByteRange& range, CacheState cache, std::uint32_t flags) {
    const RangeSet bad(bad_);
    PageFacts page{range, cache, {}, {}};
    const ByteRange data = data_part(range, facts_.file);
    page.pieces.push_back({data, kDevice + data.offset, {0, kDevice, kSize, flags}});
    page.readable.emplace_back();
    for (std::uint64_t at = data.offset; at < data.end(); at += kSectorBytes) {
      page.readable.back().push_back(!bad.overlaps({at, kSectorBytes}));
    }
    facts_.pages.push_back(std::move(page));
    return *this;
  }
  PlanReply plan() const { return make_plan(place_, request_, facts_); }
  Plan good() const {
    const PlanReply reply = plan();
    EXPECT_TRUE(reply.plan.has_value()) << reply.refusal->reason;
    return reply.plan.value_or(Plan());
  }
  PlanRefusal refusal() const {
    const PlanReply reply = plan();
    EXPECT_TRUE(reply.refusal.has_value());
    return reply.refusal.value_or(PlanRefusal());
  }

  PlanFacts& facts() { return facts_; }
  Place& place() { return place_; }
  PlanRequest& request() { return request_; }

 private:
  std::vector<ByteRange> bad_;
  PlanFacts facts_;
  Place place_;
  PlanRequest request_;
};

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

// A file that is mapped from memory, allowed to be written through.
Facts dax_facts(std::vector<ByteRange> bad) {
  Facts facts(std::move(bad));
  facts.place().memory = true;
  facts.facts().file.kinds.dax = true;
  facts.request().methods = {Method::kRedirty, Method::kRecoveryWrite, Method::kRewrite};
  return facts;
}

TEST(Planner, APageOfMemoryIsRecoveredWholeAndLosesOnlyItsBadSectors) {
  const Plan plan = dax_facts({{8192 + 1024, 512}}).page(2, CacheState::kAbsent).good();
  EXPECT_EQ(plan.method, Method::kRecoveryWrite);
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit, (Unit{on_device({8192, 4096}), Method::kRecoveryWrite, "ggLggggg"}));
  EXPECT_THAT(plan.lost, ElementsAre(on_device({9216, 512})));
  EXPECT_EQ(total_bytes(plan.salvageable), 3584U);
}

TEST(Planner, RecoveringTakesARuleThatNamesIt) {
  Facts facts = dax_facts({{8192, 512}});
  facts.request().methods = {Method::kRedirty, Method::kRewrite};
  EXPECT_THAT(facts.page(2, CacheState::kAbsent).refusal().reason, HasSubstr("recovery-write"));
}

TEST(Planner, WhatOnlyAMachineCheckHidesIsNotWrittenOver) {
  Facts facts = dax_facts({{8192, 4096}});
  facts.facts().list.bad = RangeSet({on_device({8192 + 1024, 512})});
  facts.request().ranges = {on_device({8192 + 1024, 512})};
  const PlanRefusal refusal = facts.page(2, CacheState::kAbsent).refusal();
  EXPECT_EQ(refusal.state, RefusalState::kBlocked);
  EXPECT_THAT(refusal.reason, HasSubstr("restart"));
}

// As a recovery-write leaves a page that took a machine check while nobody had it mapped.
Facts out_of_reach() {
  Facts facts = dax_facts({{8192, 4096}});
  facts.facts().list.bad = RangeSet();
  facts.page(2, CacheState::kAbsent);
  return facts;
}

TEST(Planner, APageOutOfReachIsRescuedWhereARuleNamesIt) {
  const PlanRefusal refusal = out_of_reach().refusal();
  EXPECT_EQ(refusal.state, RefusalState::kBlocked);
  EXPECT_THAT(refusal.reason, HasSubstr("rescue"));
  Facts facts = out_of_reach();
  facts.request().methods.push_back(Method::kRescue);
  const Plan plan = facts.good();
  EXPECT_EQ(plan.units[0].unit, (Unit{on_device({8192, 4096}), Method::kRescue, "LLLLLLLL"}));
  EXPECT_EQ(plan.method, Method::kRescue);
  EXPECT_THAT(plan.lost, ElementsAre(on_device({8192, 4096})));
}

TEST(Planner, RescueIsNotForWhatIsListed) {
  Facts facts = dax_facts({{8192, 4096}});
  facts.request().methods = {Method::kRescue};
  EXPECT_THAT(facts.page(2, CacheState::kAbsent).refusal().reason, HasSubstr("recovery-write"));
}

TEST(Planner, APageThatIsListedAsAWholeIsLostAsAWhole) {
  const Plan plan = dax_facts({{8192, 4096}}).page(2, CacheState::kAbsent).good();
  EXPECT_EQ(plan.units[0].unit.sectors, "LLLLLLLL");
  EXPECT_THAT(plan.lost, ElementsAre(on_device({8192, 4096})));
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
