// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/region_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::nvdimm {
namespace {

using protocol::PmemMode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Three namespaces of 1000 bytes behind 100 bytes of nobody; the data of the first begins at 100 of it.
Region region() {
  constexpr std::uint64_t kStart = 1U << 30U;
  Region region{.name = "region0", .physical = {kStart, 4000}};
  const auto add = [&](PmemMode mode, const char* block, std::uint64_t at) {
    region.namespaces.push_back({.name = "namespace0." + std::to_string(region.namespaces.size()),
                                 .mode = mode,
                                 .enabled = true,
                                 .block = block,
                                 .physical = {kStart + at, 1000},
                                 .data = ByteRange{kStart + at + 100, 900}});
  };
  add(PmemMode::kFsdax, "pmem0", 100);
  add(PmemMode::kDevdax, "", 1100);
  add(PmemMode::kFsdax, "pmem1", 2100);
  region.namespaces[1].dax_name = "dax0.0";
  return region;
}

TEST(RegionList, CutsAtTheBordersOfDevices) {
  const auto lists = translate(region(), RangeSet({{190, 20}, {1090, 20}}), true);
  ASSERT_THAT(lists.devices, SizeIs(2));
  EXPECT_EQ(lists.devices[0].block, "pmem0");
  EXPECT_THAT(lists.devices[0].device_ranges, ElementsAre(ByteRange{0, 10}, ByteRange{890, 10}));
  EXPECT_TRUE(lists.devices[0].complete);
  EXPECT_THAT(lists.devices[1].device_ranges, IsEmpty());
  EXPECT_TRUE(lists.devices[1].complete);
}

TEST(RegionList, NamesWhatIsNoByteOfABlockDevice) {
  const auto lists = translate(region(), RangeSet({{0, 1}, {150, 1}, {1300, 1}}), true);
  EXPECT_THAT(lists.elsewhere,
              ElementsAre(HasSubstr("no namespace of region0"), AllOf(HasSubstr("info block"), HasSubstr("/dev/pmem0")),
                          HasSubstr("/dev/dax0.0")));
  EXPECT_THAT(lists.devices[0].device_ranges, IsEmpty());
}

TEST(RegionList, ThatWasCutIsWholeForWhatLiesBeforeItsEnd) {
  const auto lists = translate(region(), RangeSet({{300, 1}, {2300, 1}}), false);
  EXPECT_TRUE(lists.devices[0].complete);
  EXPECT_FALSE(lists.devices[1].complete);
  EXPECT_FALSE(translate(region(), {}, false).devices[0].complete);
}

TEST(RegionList, BehindTheRegionNothingIs) {
  const auto lists = translate(region(), RangeSet({{5000, 1000}}), true);
  EXPECT_THAT(lists.elsewhere, IsEmpty());
  EXPECT_THAT(lists.devices[1].device_ranges, IsEmpty());
}

}  // namespace
}  // namespace pmend::nvdimm
