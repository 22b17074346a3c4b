// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace pmend::nvdimm {
namespace {

using protocol::PmemMode;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Namespace fsdax(const std::string& name, const std::string& block, ByteRange physical, std::uint64_t data_offset) {
  return {.name = name,
          .mode = PmemMode::kFsdax,
          .enabled = true,
          .block = block,
          .physical = physical,
          .data = ByteRange{physical.offset + data_offset, physical.length - data_offset}};
}

Topology one_region() {
  constexpr std::uint64_t kStart = 1U << 30U;
  Region region{.name = "region0", .physical = {kStart, 64U << 20U}};
  region.namespaces = {fsdax("namespace0.0", "pmem0", {kStart, 32U << 20U}, 2U << 20U),
                       {.name = "namespace0.1",
                        .mode = PmemMode::kSector,
                        .enabled = true,
                        .block = "pmem0.1s",
                        .physical = {kStart + (32U << 20U), 16U << 20U}}};
  return {{{.name = "ndbus0", .provider = "ACPI.NFIT", .regions = {region}}}};
}

TEST(Topology, FindsANamespaceByItsDevice) {
  const Topology topology = one_region();
  const auto place = find_namespace(topology, "pmem0");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->region.name, "region0");
  EXPECT_EQ(place->name_space.name, "namespace0.0");
  EXPECT_FALSE(find_namespace(topology, "pmem1"));
  EXPECT_FALSE(find_namespace(topology, ""));
  EXPECT_FALSE(find_namespace({}, "pmem0"));
}

TEST(Topology, TellsWhoseAPhysicalRangeIs) {
  const Topology topology = one_region();
  const std::uint64_t start = topology.buses[0].regions[0].physical.offset;
  const auto found = hits(topology, {start + (2U << 20U) - 512, 1024});
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].kind, HitKind::kReserved);
  EXPECT_THAT(describe(found[0]), AllOf(HasSubstr("info block"), HasSubstr("namespace0.0"), HasSubstr("/dev/pmem0")));
  EXPECT_EQ(found[1].kind, HitKind::kData);
  EXPECT_EQ(found[1].device_range, (ByteRange{0, 512}));

  const auto table = hits(topology, {start + (40U << 20U), 512});
  ASSERT_THAT(table, SizeIs(1));
  EXPECT_EQ(table[0].kind, HitKind::kReserved);
  EXPECT_THAT(describe(table[0]), HasSubstr("translation table"));

  Topology disabled = topology;
  Namespace& name_space = disabled.buses[0].regions[0].namespaces[0];
  name_space.enabled = false;
  name_space.block.clear();
  name_space.data.reset();
  const auto unknown = hits(disabled, {start + (4U << 20U), 512});
  ASSERT_THAT(unknown, SizeIs(1));
  EXPECT_EQ(describe(unknown[0]), "a part of namespace0.0 (region0), which is disabled");

  const auto free = hits(topology, {start + (60U << 20U), 512});
  EXPECT_THAT(free, ElementsAre(Field(&Hit::kind, HitKind::kNobody)));
  EXPECT_THAT(describe(free[0]), HasSubstr("no namespace of region0"));
  EXPECT_THAT(hits(topology, {0, 1U << 30U}), IsEmpty());
}

TEST(Topology, SectorsOfARegionEndWithIt) {
  const Region region{.name = "region0", .physical = {4096, 8192}};
  EXPECT_EQ(physical_of(region, {15, 8}), (ByteRange{4096 + 7680, 512}));
  EXPECT_FALSE(physical_of(region, {16, 1}));
  EXPECT_FALSE(physical_of(region, {~0ULL, 1}));
  EXPECT_EQ(region_sectors_of(region, {4095, 2}), (SectorRange{0, 1}));
  EXPECT_EQ(region_sectors_of(region, {4096 + 511, 2}), (SectorRange{0, 2}));
  EXPECT_FALSE(region_sectors_of(region, {4096 + 8192, 1}));
}

TEST(Topology, WhereTheKernelTellsNoPlaceNothingIsHit) {
  Topology topology = one_region();
  topology.buses[0].regions[0].physical = {};
  EXPECT_THAT(hits(topology, {0, 1ULL << 40U}), IsEmpty());
  const Namespace untold{.name = "namespace0.0", .block = "pmem0"};
  EXPECT_THAT(untold.map().down({0, 4096}), IsEmpty());
}

// Layouts at random, painted byte by byte into an array that is then looked at: what lies at each physical address. The
// unit of a layout is a byte here, so that an error of one shows.
class Painting : public testing::Test {
 protected:
  static constexpr std::uint64_t kStart = 5000;
  static constexpr std::size_t kBytes = 512;
  struct Byte {
    HitKind kind = HitKind::kNobody;
    std::string name_space;
    std::uint64_t device_offset = 0;
  };

  std::uint64_t pick(std::uint64_t from, std::uint64_t to) {
    return std::uniform_int_distribution<std::uint64_t>(from, to)(random_);
  }

  void paint() {
    region_ = {.name = "region0", .physical = {kStart, kBytes}};
    painted_.assign(kBytes, Byte());
    std::size_t at = pick(0, 20);
    for (int i = 0; at < kBytes; ++i) {
      const std::size_t length = std::min<std::size_t>(pick(1, 200), kBytes - at);
      add_namespace(i, at, length);
      at += length + pick(0, 1) * pick(0, 30);
    }
    std::shuffle(region_.namespaces.begin(), region_.namespaces.end(), random_);
  }

  void add_namespace(int i, std::size_t at, std::size_t length) {
    const auto mode = static_cast<PmemMode>(pick(0, 3));
    const std::size_t before = pick(0, length - 1);               // info block, page structures
    const std::size_t behind = pick(0, length - before - 1) / 2;  // padding at the end
    Namespace made{.name = "namespace0." + std::to_string(i),
                   .mode = mode,
                   .block = "pmem" + std::to_string(i),
                   .physical = {kStart + at, length}};
    if (mode != PmemMode::kSector) {
      made.data = ByteRange{kStart + at + before, length - before - behind};
    }
    for (std::size_t byte = 0; byte < length; ++byte) {
      const bool is_data = mode != PmemMode::kSector && byte >= before && byte < length - behind;
      painted_[at + byte] = {is_data ? HitKind::kData : HitKind::kReserved, made.name, is_data ? byte - before : 0};
    }
    region_.namespaces.push_back(made);
  }

  std::mt19937_64 random_{20261128};
  Region region_;
  std::vector<Byte> painted_;
};

TEST_F(Painting, EveryHitIsWhatWasPaintedThere) {
  for (int layout = 0; layout < 300; ++layout) {
    paint();
    const ByteRange asked{kStart - 10 + pick(0, kBytes), pick(1, kBytes)};
    std::uint64_t position = std::max(asked.offset, kStart);
    for (const Hit& hit : hits(region_, asked)) {
      ASSERT_EQ(hit.physical.offset, position) << "a gap or an overlap in layout " << layout;
      for (std::uint64_t byte = 0; byte < hit.physical.length; ++byte, ++position) {
        const Byte& painted = painted_[position - kStart];
        ASSERT_EQ(hit.kind, painted.kind) << position << " in layout " << layout;
        ASSERT_EQ(hit.name_space != nullptr ? hit.name_space->name : "", painted.name_space);
        if (hit.kind == HitKind::kData) {
          ASSERT_EQ(hit.device_range.offset + byte, painted.device_offset);
        }
      }
    }
    ASSERT_EQ(position, std::min(asked.end(), kStart + kBytes));
  }
}

TEST_F(Painting, DownAndUpAreEachOthersInverse) {
  for (int layout = 0; layout < 300; ++layout) {
    paint();
    for (const Namespace& name_space : region_.namespaces) {
      const LinearMap map = name_space.map();
      std::uint64_t bytes = 0;
      for (std::size_t at = 0; at < kBytes; ++at) {
        const bool is_mine = painted_[at].name_space == name_space.name && painted_[at].kind == HitKind::kData;
        const auto up = map.up({kStart + at, 1});
        ASSERT_EQ(up.size(), is_mine ? 1U : 0U);
        if (is_mine) {
          ASSERT_EQ(up[0].upper, (ByteRange{painted_[at].device_offset, 1}));
          ASSERT_THAT(map.down(up[0].upper), ElementsAre(up[0]));
          ++bytes;
        }
      }
      ASSERT_EQ(name_space.data ? name_space.data->length : 0, bytes);
    }
  }
}

// A volume of pieces of partitions of several namespaces, as dm-linear makes it, down to physical addresses: each byte
// is looked up in tables that were filled one byte at a time.
TEST_F(Painting, AVolumeOnPartitionsOnNamespacesKeepsItsBytesApart) {
  for (int layout = 0; layout < 300; ++layout) {
    paint();
    std::vector<LinearPiece> pieces;
    std::vector<std::uint64_t> table;  // of the volume: the physical address of each byte
    for (const Namespace& name_space : region_.namespaces) {
      if (!name_space.data || name_space.data->length < 4) {
        continue;
      }
      const std::uint64_t size = name_space.data->length;
      const std::uint64_t partition = pick(0, size - 2);
      const LinearMap on_disk = LinearMap::make({{{0, size - partition}, partition}}).value();
      const std::uint64_t from = pick(0, size - partition - 1);
      const std::uint64_t length = pick(1, size - partition - from);
      const LinearMap on_memory = stack(on_disk, name_space.map());
      for (const LinearPiece& piece : on_memory.down({from, length})) {
        pieces.push_back({{table.size() + piece.upper.offset - from, piece.upper.length}, piece.lower});
      }
      for (std::uint64_t byte = 0; byte < length; ++byte) {
        const std::uint64_t device_offset = partition + from + byte;
        const auto it = std::ranges::find_if(painted_, [&](const Byte& painted) {
          return painted.kind == HitKind::kData && painted.name_space == name_space.name &&
                 painted.device_offset == device_offset;
        });
        table.push_back(kStart + static_cast<std::uint64_t>(it - painted_.begin()));
      }
    }
    const LinearMap volume = LinearMap::make(pieces).value();
    for (std::uint64_t byte = 0; byte < table.size(); ++byte) {
      ASSERT_THAT(volume.down({byte, 1}), ElementsAre(LinearPiece{{byte, 1}, table[byte]})) << "layout " << layout;
      ASSERT_THAT(volume.up({table[byte], 1}), ElementsAre(LinearPiece{{byte, 1}, table[byte]}));
    }
  }
}

// The same in sectors: those of the region's list, and the bytes that they are.
TEST_F(Painting, SectorsOfTheListAreTheBytesOfTheRegion) {
  for (int i = 0; i < 2000; ++i) {
    const Region region{.name = "region0", .physical = {pick(0, 1U << 30U) * 4096, pick(1, 1000) * kSectorBytes}};
    const SectorRange listed{pick(0, 1100), pick(1, 300)};
    const auto physical = physical_of(region, listed);
    for (std::uint64_t sector = listed.first; sector < listed.end(); ++sector) {
      const bool inside = sector * kSectorBytes < region.physical.length;
      const std::uint64_t address = region.physical.offset + sector * kSectorBytes;
      ASSERT_EQ(physical && physical->contains({address, kSectorBytes}), inside);
    }
    if (physical) {
      const std::uint64_t last = std::min(listed.end(), region.physical.length / kSectorBytes);
      ASSERT_EQ(region_sectors_of(region, *physical), (SectorRange{listed.first, last - listed.first}));
    }
  }
}

}  // namespace
}  // namespace pmend::nvdimm
