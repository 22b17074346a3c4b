// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/plan.hpp"

#include "pmend/base/text.hpp"
#include "pmend/model/json_reader.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <set>
#include <string>

namespace pmend {
namespace {

using Change = std::function<void(Plan&)>;

std::string error_after(const Change& change) {
  Plan plan = samples::plan();
  change(plan);
  const auto read = from_json<Plan>(to_json(plan));
  return read ? "taken" : read.error().what;
}

Unit& unit_of(Plan& plan) {
  return plan.units[0].unit;
}

TEST(Plan, MayBeOfFreeSpaceOrARawDevice) {
  EXPECT_EQ(error_after([](Plan& plan) {
              plan.owner = OwnerKind::kFree;
              plan.units[0].mappings.clear();
            }),
            "taken");
  EXPECT_EQ(error_after([](Plan& plan) {
              plan.owner = OwnerKind::kRaw;
              plan.units[0].mappings.clear();
              plan.filesystem.reset();
            }),
            "taken");
}

TEST(Plan, IsRefusedWhenItContradictsItself) {
  const struct {
    const char* what;
    Change change;
    const char* error;
  } rows[] = {
      {"no unit", [](Plan& p) { p.units.clear(); }, "got 0 units, expected 1 to 128"},
      {"a unit twice", [](Plan& p) { p.units.push_back(p.units[0]); }, "units: ranges overlap or are out of order"},
      {"bad outside", [](Plan& p) { p.bad[0].offset = 0; }, "bad: a range lies outside the units"},
      {"lost past the end", [](Plan& p) { p.lost[0].length = 4096; }, "lost: a range lies outside the units"},
      {"lost twice", [](Plan& p) { p.lost.push_back(p.lost[0]); }, "lost: ranges overlap or are out of order"},
      {"salvageable reversed", [](Plan& p) { std::swap(p.salvageable[0], p.salvageable[1]); },
       "salvageable: ranges overlap or are out of order"},
      {"restored outside", [](Plan& p) { p.restored[0].device_range.offset = 0; },
       "restored: a range lies outside the units"},
      {"lost and salvageable", [](Plan& p) { p.salvageable = {p.lost}; }, "bytes are both lost and salvageable"},
      {"file without mapping", [](Plan& p) { p.units[0].mappings.clear(); }, "a unit of file data needs a mapping"},
      {"no file system", [](Plan& p) { p.filesystem.reset(); },
       "a plan needs a file system unless the owner is \"raw\""},
      {"mapping outside its unit", [](Plan& p) { p.units[0].mappings[0].device_range.offset -= 512; },
       "/units/0: a mapping lies outside its unit"},
      {"mapping past the largest offset", [](Plan& p) { p.units[0].mappings[0].file_offset = INT64_MAX; },
       "/units/0/mappings/0: file_offset and length go past the largest file offset"},
      {"digest in capitals", [](Plan& p) { p.restored[0].sha256[0] = 'A'; }, nullptr},
      {"a sector too few", [](Plan& p) { unit_of(p).sectors.pop_back(); }, nullptr},
      {"an unknown letter", [](Plan& p) { unit_of(p).sectors[0] = 'x'; }, nullptr},
      {"half a sector", [](Plan& p) { unit_of(p).device_range.offset += 1; }, nullptr},
  };
  for (const auto& row : rows) {
    const std::string error = error_after(row.change);
    if (row.error != nullptr) {
      EXPECT_NE(error.find(row.error), std::string::npos) << row.what << ": " << error;
    }
    EXPECT_NE(error, "taken") << row.what;
  }
}

TEST(Plan, HasABoundedNumberOfUnits) {
  const auto with_units = [](std::size_t count) {
    return [count](Plan& plan) {
      plan.owner = OwnerKind::kRaw;
      plan.units[0].mappings.clear();
      while (plan.units.size() < count) {
        plan.units.push_back(plan.units.back());
        plan.units.back().unit.device_range.offset += 4096;
      }
    };
  };
  EXPECT_EQ(error_after(with_units(kMaxUnitsPerPlan)), "taken");
  EXPECT_EQ(error_after(with_units(kMaxUnitsPerPlan + 1)), "got 129 units, expected 1 to 128");
}

TEST(Plan, SummaryCountsBytes) {
  const PlanSummary summary = summary_of(samples::plan(), samples::digest('c'));
  EXPECT_EQ(summary, (PlanSummary{.hash = samples::digest('c'),
                                  .method = Method::kRecoveryWrite,
                                  .units = 1,
                                  .bytes_bad = 1536,
                                  .bytes_salvageable = 3584,
                                  .bytes_lost = 512}));
}

TEST(PlanHash, StaysTheSameFromVersionToVersion) {
  // Approvals in ledgers name it: a change of the canonical form must be meant.
  EXPECT_EQ(plan_hash(samples::plan(), samples::basis()),
            "4ab67b023734d36b96a7d502f66a1afe3bbe1314078d41623d4539d5e0669748");
}

TEST(PlanHash, ChangesWithEverythingThatWasApproved) {
  const Change changes[] = {
      [](Plan&) {},
      [](Plan& p) { p.device_id = "ns:other"; },
      [](Plan& p) { p.boot_id = "other"; },
      [](Plan& p) { p.owner = OwnerKind::kMetadata; },
      [](Plan& p) { p.filesystem->type = "ext4"; },
      [](Plan& p) { p.filesystem->uuid = "other"; },
      [](Plan& p) { p.method = Method::kFrozenWrite; },
      [](Plan& p) { unit_of(p).method = Method::kFrozenWrite; },
      [](Plan& p) { unit_of(p).device_range.offset += 4096; },
      [](Plan& p) { unit_of(p).device_range.length += 4096; },
      [](Plan& p) { p.units[0].mappings[0].file.inode += 1; },
      [](Plan& p) { p.units[0].mappings[0].file.generation += 1; },
      [](Plan& p) { p.units[0].mappings[0].file_offset += 4096; },
      [](Plan& p) { p.units[0].mappings[0].device_range.offset += 4096; },
      [](Plan& p) { p.units[0].mappings.push_back(p.units[0].mappings[0]); },
      [](Plan& p) { p.units.push_back(p.units[0]); },
      [](Plan& p) { p.bad[0].length += 512; },
      [](Plan& p) { p.lost[0].length += 512; },
      [](Plan& p) { p.lost.clear(); },
      [](Plan& p) { p.restored[0].sha256 = samples::digest('9'); },
  };
  std::set<std::string> hashes;
  for (const Change& change : changes) {
    Plan plan = samples::plan();
    change(plan);
    EXPECT_TRUE(hashes.insert(plan_hash(plan, samples::basis())).second) << hashes.size();
  }
  EXPECT_TRUE(hashes.insert(plan_hash(samples::plan(), {"other", samples::digest('b')})).second);
  EXPECT_TRUE(hashes.insert(plan_hash(samples::plan(), {"postgres-asks", samples::digest('0')})).second);
}

TEST(PlanHash, DoesNotDependOnHints) {
  Plan plan = samples::plan();
  plan.device = "/dev/pmem1";
  plan.filesystem->mount_point = "/elsewhere";
  plan.filesystem->label = "new";
  unit_of(plan).sectors = "CggLCRUg";
  EXPECT_EQ(plan_hash(plan, samples::basis()), plan_hash(samples::plan(), samples::basis()));
}

TEST(PlanHash, SurvivesTheJsonForm) {
  const auto back = from_json<Plan>(to_json(samples::plan()));
  EXPECT_EQ(plan_hash(back.value(), samples::basis()), plan_hash(samples::plan(), samples::basis()));
  EXPECT_TRUE(is_sha256_hex(plan_hash(Plan{}, PlanBasis{})));
}

TEST(Sectors, HaveOneLetterEach) {
  EXPECT_TRUE(are_sectors("gLCUR", 2560));
  for (const auto& [text, length] : {std::pair{"", 512U}, {"g", 1024U}, {"gg", 1023U}, {"l", 512U}, {"g ", 1024U}}) {
    EXPECT_FALSE(are_sectors(text, length)) << text;
  }
  EXPECT_FALSE(are_sectors(std::string_view("\0", 1), 512));
}

}  // namespace
}  // namespace pmend
