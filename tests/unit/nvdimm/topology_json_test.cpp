// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/topology_json.hpp"

#include "pmend/model/json_reader.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pmend::nvdimm {
namespace {

TEST(TopologyJson, ReadsBackWhatItWrote) {
  Topology topology;
  topology.buses = {{.name = "ndbus0",
                     .provider = "ACPI.NFIT",
                     .kind = BusKind::kNfit,
                     .ars_cap = true,
                     .control = "/dev/ndctl0",
                     .scrub = "/sys/bus/nd/devices/ndbus0/nfit/scrub",
                     .dimms = {{"nmem0", "8089-a2-1839-0000a001", 1, "ok"}},
                     .regions = {{.name = "region0",
                                  .physical = {4096, 8192},
                                  .read_only = true,
                                  .interleave_ways = 2,
                                  .dimms = {"nmem0"},
                                  .namespaces = {{.name = "namespace0.0",
                                                  .uuid = "aaaaaaaa-1111-4222-8333-444444444444",
                                                  .mode = protocol::PmemMode::kDevdax,
                                                  .enabled = true,
                                                  .dax_name = "dax0.0",
                                                  .physical = {4096, 4096},
                                                  .data = ByteRange{6144, 2048}},
                                                 {.name = "namespace0.1", .block = "pmem0.1s"}},
                                  .badblocks = "/sys/bus/nd/devices/region0/badblocks"}}},
                    {.name = "ndbus1", .provider = "virtio-pmem", .kind = BusKind::kOther}};
  const auto back = from_json<Topology>(to_json(topology));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, topology);
}

}  // namespace
}  // namespace pmend::nvdimm
