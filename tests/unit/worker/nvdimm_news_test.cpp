// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/nvdimm_news.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace pmend::worker {
namespace {

namespace fs = std::filesystem;
using protocol::PmemMode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NvdimmSources : public testing::Test {
 protected:
  NvdimmSources() : sysfs_(testing::TempDir() + "pmend-nvdimm-XXXXXX") { EXPECT_NE(mkdtemp(sysfs_.data()), nullptr); }
  ~NvdimmSources() override { fs::remove_all(sysfs_); }

  void add(const std::string& attribute) {
    const fs::path path = fs::path(sysfs_) / "bus/nd/devices" / attribute;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "\n";
  }
  protocol::WatchReply told() {
    protocol::WatchReply reply;
    add_nvdimm_sources(sysfs_, reply);
    return reply;
  }

  std::string sysfs_;
};

TEST_F(NvdimmSources, AMachineWithoutSuchMemorySaysSoOnce) {
  EXPECT_THAT(told().sources, IsEmpty());
  EXPECT_THAT(told().absent, ElementsAre("persistent memory"));
}

TEST_F(NvdimmSources, EachIsNamedOrAbsent) {
  add("region0/badblocks");
  add("region1/badblocks");
  add("ndbus0/provider");
  EXPECT_THAT(told().sources, ElementsAre("region"));
  EXPECT_THAT(told().absent, ElementsAre("ars of persistent memory", "dimm-health of persistent memory"));
  add("ndbus0/nfit/scrub");
  add("nmem0/nfit/flags");
  EXPECT_THAT(told().sources, ElementsAre("ars", "dimm-health", "region"));
  EXPECT_THAT(told().absent, IsEmpty());
}

nvdimm::Topology with_dimm(const std::string& name, const std::string& health) {
  return {{{.name = "ndbus0", .provider = "ACPI.NFIT", .dimms = {{name, "8089-a2", 1, health}}}}};
}

TEST(NvdimmNews, HealthIsToldWhenItChangesAndAtFirstOnlyWhereItIsBad) {
  EXPECT_THAT(health_news({}, with_dimm("nmem0", "ok")), IsEmpty());
  EXPECT_THAT(health_news({}, with_dimm("nmem0", "not armed")), ElementsAre("DIMM nmem0 8089-a2: not armed"));
  EXPECT_THAT(health_news(with_dimm("nmem0", "ok"), with_dimm("nmem0", "health event pending")),
              ElementsAre("DIMM nmem0 8089-a2: health event pending"));
  EXPECT_THAT(health_news(with_dimm("nmem0", "not armed"), with_dimm("nmem0", "not armed")), IsEmpty());
  EXPECT_THAT(health_news(with_dimm("nmem0", "not armed"), with_dimm("nmem0", "ok")),
              ElementsAre("DIMM nmem0 8089-a2: ok"));
  EXPECT_THAT(health_news(with_dimm("nmem0", "ok"), {}), IsEmpty());
}

TEST(NvdimmNews, NamesAreEscaped) {
  EXPECT_THAT(health_news({}, with_dimm("nmem\n0", "save failed")), ElementsAre(HasSubstr("nmem\\x0a0")));
}

TEST(NvdimmNews, NamespacesWithoutAListAreNamedWithWhatCanBeDone) {
  nvdimm::Region region{.name = "region0", .physical = {1U << 30U, 64U << 20U}};
  region.namespaces = {{.name = "namespace0.0", .mode = PmemMode::kFsdax, .enabled = true, .block = "pmem0"},
                       {.name = "namespace0.1", .mode = PmemMode::kRaw, .enabled = true, .block = "pmem0.1"},
                       {.name = "namespace0.2", .mode = PmemMode::kSector, .enabled = true, .block = "pmem0.2s"},
                       {.name = "namespace0.3", .mode = PmemMode::kDevdax, .enabled = true, .dax_name = "dax0.3"},
                       {.name = "namespace0.4", .mode = PmemMode::kDevdax, .enabled = false}};
  const nvdimm::Topology topology{{{.name = "ndbus0", .provider = "ACPI.NFIT", .regions = {region}}}};
  EXPECT_THAT(listless_namespaces(topology, {6, 12}),
              ElementsAre(AllOf(HasSubstr("namespace0.2 (sector, /dev/pmem0.2s)"), HasSubstr("region0 lists")),
                          AllOf(HasSubstr("namespace0.3 (devdax, /dev/dax0.3)"), HasSubstr("ndctl-clear-errors"))));
}

}  // namespace
}  // namespace pmend::worker
