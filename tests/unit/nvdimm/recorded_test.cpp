// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/clearing.hpp"
#include "pmend/nvdimm/read_topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <umockdev.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

// Topologies that no machine at hand has, as files that umockdev(1) puts in the place of /sys.
namespace pmend::nvdimm {
namespace {

namespace fs = std::filesystem;
using protocol::CanClear;
using protocol::PmemMode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kGiB = 1U << 30U;
constexpr std::uint64_t kMiB = 1U << 20U;

class Recorded : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("LD_PRELOAD") == nullptr) {
      GTEST_SKIP() << "libumockdev-preload.so.0 could not be loaded (package libumockdev0)";
    }
    bed_ = umockdev_testbed_new();
  }
  void TearDown() override {
    if (bed_ != nullptr) {
      g_object_unref(bed_);
    }
  }

  void load(const std::string& name, const std::string& bus_directory) {
    GError* error = nullptr;
    const std::string file = std::string(PMEND_RECORDED) + "/" + name + ".umockdev";
    ASSERT_TRUE(umockdev_testbed_add_from_file(bed_, file.c_str(), &error) != 0) << error->message;
    gchar* const sys = umockdev_testbed_get_sys_dir(bed_);
    sys_ = sys;
    g_free(sys);
    bus_ = bus_directory;
    // umockdev makes one of the two, by what this machine has; libndctl looks into the one, and pmend into the other.
    fs::create_directories(sys_ / "class/nd");
    link(sys_ / "class/nd/ndctl0", sys_ / bus_ / "nd/ndctl0");
    fs::create_directories(sys_ / "bus/nd/devices");
    for (const auto& entry : fs::recursive_directory_iterator(sys_ / bus_)) {
      if (entry.is_directory() && fs::is_symlink(entry.path() / "subsystem")) {
        link(sys_ / "bus/nd/devices" / entry.path().filename(), entry.path());
      }
    }
  }
  static void link(const fs::path& name, const fs::path& target) {
    if (!fs::is_symlink(name)) {
      fs::create_symlink(target, name);
    }
  }
  void write(const std::string& attribute, const std::string& text) {
    const fs::path path = sys_ / bus_ / attribute;
    umockdev_testbed_set_attribute(
        bed_, ("/sys/" + bus_ + "/" + path.parent_path().lexically_relative(sys_ / bus_).string()).c_str(),
        path.filename().c_str(), text.c_str());
  }

  UMockdevTestbed* bed_ = nullptr;
  fs::path sys_;
  std::string bus_;
};

constexpr const char* kAcpi = "devices/platform/acpi/ndbus0";
constexpr const char* kCxl = "devices/platform/cxl_acpi.0/root0/nvdimm-bridge0/ndbus0";

TEST_F(Recorded, NoBusIsANormalMachine) {
  EXPECT_THAT(read_topology().value().buses, IsEmpty());
}

TEST_F(Recorded, TwoInterleavedDimmsWithNamespacesOfThreeModes) {
  load("interleaved", kAcpi);
  const Topology topology = read_topology().value();
  ASSERT_THAT(topology.buses, SizeIs(1));
  const Bus& bus = topology.buses[0];
  EXPECT_EQ(bus.name, "ndbus0");
  EXPECT_EQ(bus.kind, BusKind::kNfit);
  EXPECT_TRUE(bus.ars_cap && bus.ars_start && bus.ars_status && bus.clear_error);
  EXPECT_EQ(bus.control, "/dev/ndctl0");
  EXPECT_EQ(bus.scrub, "/sys/bus/nd/devices/ndbus0/nfit/scrub");
  EXPECT_EQ(bus.dimm_flags, "nfit/flags");
  ASSERT_THAT(bus.regions, SizeIs(1));
  const Region& region = bus.regions[0];
  EXPECT_EQ(region.physical, (ByteRange{4 * kGiB, 3 * kGiB}));
  EXPECT_EQ(region.interleave_ways, 2U);
  EXPECT_THAT(dimms_of(bus, region),
              ElementsAre(protocol::PmemDimm{"nmem0", "8089-a2-1839-0000a001", 1, "ok"},
                          protocol::PmemDimm{"nmem1", "8089-a2-1839-0000a002", 257, "not armed"}));
  ASSERT_THAT(region.namespaces, SizeIs(3));

  const auto fsdax = find_namespace(topology, "pmem0");
  ASSERT_TRUE(fsdax);
  EXPECT_EQ(fsdax->name_space.mode, PmemMode::kFsdax);
  EXPECT_TRUE(fsdax->name_space.enabled);
  EXPECT_EQ(fsdax->name_space.uuid, "aaaaaaaa-1111-4222-8333-444444444444");
  EXPECT_EQ(fsdax->name_space.data, (ByteRange{4 * kGiB + 16 * kMiB, kGiB - 16 * kMiB}));
  EXPECT_EQ(clearing(*fsdax, {6, 12}).can, CanClear::kYes);

  const auto sector = find_namespace(topology, "pmem0.1s");
  ASSERT_TRUE(sector);
  EXPECT_EQ(sector->name_space.mode, PmemMode::kSector);
  EXPECT_FALSE(sector->name_space.data);
  EXPECT_EQ(clearing(*sector, {6, 12}).can, CanClear::kNo);

  const auto devdax = find_namespace(topology, "dax0.2");
  ASSERT_TRUE(devdax);
  EXPECT_EQ(devdax->name_space.mode, PmemMode::kDevdax);
  EXPECT_EQ(devdax->name_space.block, "");
  EXPECT_EQ(devdax->name_space.data, (ByteRange{6 * kGiB + 2 * kMiB, kGiB - 2 * kMiB}));
  EXPECT_EQ(clearing(*devdax, {6, 12}).can, CanClear::kNo);
}

TEST_F(Recorded, CxlMemoryIsToldOfAndNeverCleared) {
  load("cxl", kCxl);
  const Topology topology = read_topology().value();
  const auto place = find_namespace(topology, "pmem0");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->bus.kind, BusKind::kCxl);
  EXPECT_EQ(place->bus.scrub, "");
  EXPECT_EQ(place->bus.dimm_flags, "");
  EXPECT_EQ(place->name_space.data, (ByteRange{0x4080000000 + 10 * kMiB, 502 * kMiB}));
  EXPECT_EQ(clearing(*place, {6, 12}).can, CanClear::kNo);
}

TEST_F(Recorded, ANamespaceThatVanishesBetweenTwoReadsIsGone) {
  load("interleaved", kAcpi);
  ASSERT_TRUE(find_namespace(read_topology().value(), "pmem0"));
  fs::remove_all(sys_ / bus_ / "region0/pfn0.0");
  fs::remove_all(sys_ / bus_ / "region0/namespace0.0");
  const Topology topology = read_topology().value();
  EXPECT_FALSE(find_namespace(topology, "pmem0"));
  EXPECT_TRUE(find_namespace(topology, "dax0.2"));
}

// Its claim has gone and the namespace not yet, or one attribute can no longer be read.
TEST_F(Recorded, WhatVanishesInTheMiddleHasNoPlace) {
  load("interleaved", kAcpi);
  fs::remove(sys_ / bus_ / "region0/pfn0.0/resource");
  const Topology topology = read_topology().value();
  const auto place = find_namespace(topology, "pmem0");
  EXPECT_TRUE(!place || !place->name_space.data);
  for (const Hit& hit : hits(topology, {4 * kGiB, kGiB})) {
    EXPECT_NE(hit.kind, HitKind::kData);
  }
}

TEST_F(Recorded, PlacesThatCannotBeAreNotBelieved) {
  const std::pair<const char*, const char*> lies[] = {{"region0/pfn0.0/resource", "0xffffffffffff0000\n"},
                                                      {"region0/pfn0.0/resource", "0x0\n"},
                                                      {"region0/pfn0.0/resource", "twelve\n"},
                                                      {"region0/pfn0.0/size", "18446744073709551615\n"},
                                                      {"region0/pfn0.0/size", "9223372036854775807\n"},
                                                      {"region0/namespace0.0/resource", "0x1\n"},
                                                      {"region0/namespace0.0/size", "-1\n"},
                                                      {"region0/resource", "0xfffffffffffffff0\n"},
                                                      {"region0/size", "18446744073709551615\n"},
                                                      {"region0/size", "\n"}};
  load("interleaved", kAcpi);
  for (const auto& [attribute, text] : lies) {
    const std::string honest = [&, name = attribute] {
      gchar* contents = nullptr;
      g_file_get_contents((sys_ / bus_ / name).c_str(), &contents, nullptr, nullptr);
      std::string copy(contents != nullptr ? contents : "");
      g_free(contents);
      return copy;
    }();
    write(attribute, text);
    for (const Hit& hit : hits(read_topology().value(), {4 * kGiB, kGiB})) {
      EXPECT_NE(hit.kind, HitKind::kData) << attribute << " = " << text;
    }
    write(attribute, honest);
  }
  EXPECT_TRUE(find_namespace(read_topology().value(), "pmem0")->name_space.data);
}

}  // namespace
}  // namespace pmend::nvdimm

// umockdev works by a preloaded library: the program starts itself again with it, as umockdev-wrapper(1) does.
int main(int argc, char** argv) {
  if (std::getenv("LD_PRELOAD") == nullptr) {
    setenv("LD_PRELOAD", "libumockdev-preload.so.0", 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
    execv("/proc/self/exe", argv);
  }
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
