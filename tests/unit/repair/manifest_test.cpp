// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::repair {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

DoneUnit done(const std::string& sectors, Method method) {
  const ByteRange range{1U << 20U, sectors.size() * kSectorBytes};
  return {{Unit{range, method, sectors}, {Mapping{{7, 1}, 8192, range}}}, method};
}

ManifestRange at(std::uint64_t first_sector, std::uint64_t count) {
  return {{}, 7, 8192 + first_sector * 512, {(1U << 20U) + first_sector * 512, count * 512}};
}

TEST(Manifest, NamesLostBytesByFileAndDevice) {
  const LossManifest manifest = manifest_of({done("LL", Method::kRewrite)});
  EXPECT_THAT(manifest.lost, ElementsAre(at(0, 2)));
  EXPECT_THAT(manifest.salvaged, IsEmpty());
  ASSERT_EQ(manifest.units.size(), 1U);
  EXPECT_EQ(manifest.units[0].sectors, "LL");
}

TEST(Manifest, TellsWhereSalvagedBytesCameFrom) {
  const LossManifest manifest = manifest_of({done("gCCgLRg", Method::kRewrite)});
  EXPECT_THAT(manifest.lost, ElementsAre(at(4, 1)));
  EXPECT_THAT(manifest.salvaged,
              ElementsAre(SavedRange{at(0, 1), SavedFrom::kSectors}, SavedRange{at(1, 2), SavedFrom::kPageCache},
                          SavedRange{at(3, 1), SavedFrom::kSectors}, SavedRange{at(6, 1), SavedFrom::kSectors}));
  EXPECT_THAT(manifest.restored, ElementsAre(SavedRange{at(5, 1), SavedFrom::kHook}));
}

TEST(Manifest, RedirtySavesOnlyWhatWasAtRisk) {
  const LossManifest manifest = manifest_of({done("ggCggggg", Method::kRedirty)});
  EXPECT_THAT(manifest.salvaged, ElementsAre(SavedRange{at(2, 1), SavedFrom::kPageCache}));
  EXPECT_THAT(manifest.lost, IsEmpty());
}

TEST(Manifest, NamesTheMethodThatDidItInTheEnd) {
  DoneUnit unit = done("C", Method::kRedirty);
  unit.method = Method::kRewrite;
  EXPECT_EQ(manifest_of({unit}).units[0].method, Method::kRewrite);
}

TEST(Manifest, WhatSeveralFilesShareIsThereForEach) {
  DoneUnit shared = done("gL", Method::kExchange);
  shared.planned.mappings.push_back({{8, 1}, 0, shared.planned.unit.device_range});
  ManifestRange of_the_other = at(1, 1);
  of_the_other.inode = 8;
  of_the_other.file_offset = 512;
  EXPECT_THAT(manifest_of({shared}).lost, ElementsAre(at(1, 1), of_the_other));
}

TEST(Manifest, WhatThePlanDoesNotCallLostIsNone) {
  LossManifest manifest = manifest_of({done("gLLL", Method::kExchange)});
  keep_lost_data(manifest, {at(2, 1).device_range});
  EXPECT_THAT(manifest.lost, ElementsAre(at(2, 1)));
  keep_lost_data(manifest, {});
  EXPECT_THAT(manifest.lost, IsEmpty());
}

}  // namespace
}  // namespace pmend::repair
