// SPDX-License-Identifier: Apache-2.0
#include "worker/machine_checks.hpp"

#include "pmend/base/unique_fd.hpp"
#include "worker/physical_places.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace pmend::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr ByteRange kRegion{0x40000000, 512U << 20U};
constexpr ByteRange kOther{0x80000000, 4096 * 4};
constexpr const char* kBoot = "5a1fe0a8-0b1e-4b07-b1a3-6d0a5bb4a001";

class MachineChecksTest : public testing::Test {
 protected:
  MachineChecksTest() {
    std::string pattern = fs::temp_directory_path() / "pmend-checks-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    setting_.options.runtime_dir = directory_;
    setting_.roots = {directory_ + "/sys", directory_ + "/proc"};
    put("/proc/sys/kernel/random/boot_id", std::string(kBoot) + "\n");
    corrupted(0);
    device("namespace0.0", "0x40000000", 512U << 20U, "");
    device("pfn0.0", "0x40a00000", (512U << 20U) - 0xa00000, "pmem0");
    device("namespace1.0", "0x80000000", 4096 * 4, "pmem1");
    device("region0", "0x40000000", 512U << 20U, "");
  }
  ~MachineChecksTest() override { fs::remove_all(directory_); }

  void put(const std::string& file, const std::string& text) const {
    fs::create_directories(fs::path(directory_ + file).parent_path());
    ASSERT_TRUE(replace_file(directory_ + file, text));
  }
  void corrupted(std::uint64_t kib) const {
    put("/proc/meminfo", "MemTotal:  100 kB\nHardwareCorrupted: " + std::to_string(kib) + " kB\nOther: 1 kB\n");
  }
  void device(const std::string& name, const std::string& resource, std::uint64_t size,
              const std::string& block) const {
    const std::string place = "/sys/bus/nd/devices/" + name;
    put(place + "/resource", resource + "\n");
    put(place + "/size", std::to_string(size) + "\n");
    if (!block.empty()) {
      fs::create_directories(directory_ + place + "/block/" + block);
    }
  }
  MachineCheckFile file(const std::string& boot = kBoot) const { return {directory_, boot}; }
  PlacePhysical place() const { return place_physical_by_sysfs(setting_.roots.sysfs); }
  std::uint64_t in(const ByteRange& physical) const { return memory_errors_kib(setting_, physical).value(); }

  std::string directory_;
  Setting setting_;
};

TEST_F(MachineChecksTest, CountWhereTheyWereSeen) {
  EXPECT_EQ(in(kRegion), 0U);
  corrupted(12);
  // Of the region's data, of the structures before it, of other memory.
  const MachineChecks seen{RangeSet({{0x40a28000, 4096}, {0x40001000, 4096}, {0x1000, 4096}}), 3};
  ASSERT_TRUE(file().write(seen));
  EXPECT_EQ(file().read().value(), seen);
  EXPECT_EQ(in(kRegion), 8U);
  EXPECT_EQ(in(kOther), 0U);
}

TEST_F(MachineChecksTest, WhatNobodySawMayBeAnywhere) {
  corrupted(4);
  EXPECT_EQ(in(kOther), 4U) << "before any observer";
  ASSERT_TRUE(file().write({RangeSet({{0x40a28000, 4096}}), 1}));
  EXPECT_EQ(in(kOther), 0U);
  corrupted(8);
  EXPECT_EQ(in(kOther), 4U) << "one more, between two observers";
  EXPECT_EQ(in(kRegion), 8U);
}

TEST_F(MachineChecksTest, ACountThatIsLessThanWhatWasSeenIsNotReliedUpon) {
  corrupted(4);
  ASSERT_TRUE(file().write({RangeSet({{0x40a28000, 4096}, {0x40a2a000, 4096}}), 2}));
  EXPECT_EQ(in(kOther), 4U);
}

TEST_F(MachineChecksTest, AnotherBootsAreNone) {
  ASSERT_TRUE(file("another").write({RangeSet({{0x40a28000, 4096}}), 1}));
  EXPECT_EQ(in(kRegion), 0U);
}

TEST_F(MachineChecksTest, ADamagedFilePlacesNothing) {
  corrupted(4);
  for (const char* text :
       {"", "{", "[]", R"({"version":1,"boot_id":"x","pages":[{"offset":1,"length":2}],"counted":0})",
        R"({"version":1,"boot_id":"x","pages":[],"counted":99999999999999999})"}) {
    put("/machine-checks.json", text);
    const auto read = file().read();
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message(), HasSubstr("machine-checks.json"));
    EXPECT_EQ(in(kOther), 4U);
  }
}

TEST_F(MachineChecksTest, TooManyAreThoseThatNobodyCanPlace) {
  MachineChecks many;
  for (std::uint64_t i = 0; i <= kMostMachineChecks; ++i) {
    many.pages.insert({i * 8192, 4096});
  }
  many.counted = kMostMachineChecks + 1;
  ASSERT_TRUE(file().write(many));
  EXPECT_EQ(file().read()->pages.ranges().size(), kMostMachineChecks);
  corrupted(4 * (kMostMachineChecks + 1));
  EXPECT_EQ(in(kOther), 4 * (kMostMachineChecks + 1));
}

TEST_F(MachineChecksTest, NobodyKnowsWithoutMeminfo) {
  fs::remove(directory_ + "/proc/meminfo");
  EXPECT_FALSE(memory_errors_kib(setting_, kRegion));
  put("/proc/meminfo", "HardwareCorrupted: many kB\n");
  EXPECT_FALSE(memory_errors_kib(setting_, kRegion));
  put("/proc/meminfo", "MemTotal: 1 kB\n");
  EXPECT_EQ(in(kOther), 0U) << "a kernel that handles none";
}

TEST_F(MachineChecksTest, PlacesAreOfTheDataAndNeverGuessed) {
  const auto where = place();
  EXPECT_FALSE(where(0x40000000)) << "the namespace below has no block device of its own";
  EXPECT_EQ(where(0x40a00000)->device, "/dev/pmem0");
  EXPECT_EQ(where(0x40a00000)->device_range.offset, 0U);
  EXPECT_EQ(where(0x80003fff)->device_range, (ByteRange{4 * 4096 - 1, 1}));
  EXPECT_FALSE(where(0x80004000));
  for (const char* garbage : {"", "0x", "0xzz", "12", "0xffffffffffffffffff", "0xfffffffffffff000"}) {
    device("pfn9.0", garbage, 4096, "pmem9");
    EXPECT_EQ(place()(0x40a00000)->device, "/dev/pmem0") << garbage;
  }
}

TEST_F(MachineChecksTest, ARangeOverSeveralDevicesIsCut) {
  const auto pieces = places_of(place(), {0x7ffff000, 4096 * 6});
  EXPECT_THAT(pieces, ElementsAre(protocol::DeviceRange{"/dev/pmem1", {0, 4096 * 4}}));
}

}  // namespace
}  // namespace pmend::worker
