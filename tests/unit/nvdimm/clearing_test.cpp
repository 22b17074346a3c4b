// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/clearing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::nvdimm {
namespace {

using protocol::CanClear;
using protocol::PmemMode;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr KernelVersion kNow{6, 12};

struct Parts {
  Bus bus{.name = "ndbus0", .provider = "ACPI.NFIT", .kind = BusKind::kNfit, .ars_cap = true, .clear_error = true};
  Region region{.name = "region0", .physical = {1U << 30U, 1U << 29U}};
  Namespace name_space{.name = "namespace0.0", .mode = PmemMode::kFsdax, .enabled = true, .block = "pmem0"};

  protocol::Clearing ask(const KernelVersion& kernel = kNow) const {
    return clearing({bus, region, name_space}, kernel);
  }
};

TEST(Clearing, FirmwareWithTheCommandsClears) {
  const auto answer = Parts().ask();
  EXPECT_EQ(answer.can, CanClear::kYes);
  EXPECT_THAT(answer.advice, IsEmpty());
}

TEST(Clearing, FirmwareWithoutOneOfTheCommandsDoesNot) {
  for (const auto& [cap, clear] : {std::pair(false, false), std::pair(true, false), std::pair(false, true)}) {
    Parts parts;
    parts.bus.ars_cap = cap;
    parts.bus.clear_error = clear;
    EXPECT_EQ(parts.ask().can, CanClear::kNo) << cap << clear;
    EXPECT_THAT(parts.ask().reason, HasSubstr("ACPI.NFIT"));
    EXPECT_THAT(parts.ask().advice, Not(IsEmpty()));
  }
}

TEST(Clearing, IsDecidedByTheDriverWhereThereIsNoFirmwareToAsk) {
  for (const auto& [kind, can] :
       {std::pair(BusKind::kSimulated, CanClear::kYes), std::pair(BusKind::kCxl, CanClear::kNo),
        std::pair(BusKind::kPapr, CanClear::kNo), std::pair(BusKind::kOther, CanClear::kUnknown)}) {
    Parts parts;
    parts.bus.kind = kind;
    parts.bus.ars_cap = parts.bus.clear_error = false;
    EXPECT_EQ(parts.ask().can, can);
    EXPECT_THAT(parts.ask().reason, Not(IsEmpty()));
    EXPECT_EQ(parts.ask().advice.empty(), can == CanClear::kYes);
  }
}

TEST(Clearing, NoCommandHelpsWhereNoWriteReachesThePlace) {
  for (const PmemMode mode : {PmemMode::kSector, PmemMode::kDevdax}) {
    Parts parts;
    parts.name_space.mode = mode;
    EXPECT_EQ(parts.ask().can, CanClear::kNo);
  }
  Parts read_only;
  read_only.region.read_only = true;
  EXPECT_EQ(read_only.ask().can, CanClear::kNo);
  Parts raw;
  raw.name_space.mode = PmemMode::kRaw;
  EXPECT_EQ(raw.ask().can, CanClear::kYes);
}

TEST(Clearing, NeedsAKernelThatRecovers) {
  EXPECT_EQ(Parts().ask({5, 18}).can, CanClear::kNo);
  EXPECT_EQ(Parts().ask({5, 19}).can, CanClear::kYes);
  EXPECT_EQ(Parts().ask({6, 0}).can, CanClear::kYes);
}

TEST(KernelVersion, IsReadFromARelease) {
  EXPECT_EQ(parse_kernel_version("6.12.117+deb12-amd64").value(), (KernelVersion{6, 12}));
  EXPECT_EQ(parse_kernel_version("7.2").value(), (KernelVersion{7, 2}));
  EXPECT_EQ(parse_kernel_version("5.19-rc1").value(), (KernelVersion{5, 19}));
  for (const char* text : {"", "6", "6.", ".12", "six.twelve", "-1.2", "99999999999999999999.1"}) {
    EXPECT_FALSE(parse_kernel_version(text)) << text;
  }
  EXPECT_TRUE(running_kernel());
}

}  // namespace
}  // namespace pmend::nvdimm
