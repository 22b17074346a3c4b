// SPDX-License-Identifier: Apache-2.0
// Where a rule names `punch`, and what pmend says of the block that is left, through the whole of it.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ChainPunch : public KernelTest, public ::testing::WithParamInterface<FsType> {};

TEST_P(ChainPunch, TheFileIsWholeAndABlockThatStaysBadIsAnIncidentOfFreeSpace) {
  World world({.fs = {.type = GetParam()}});
  world.medium().set_mode("write=clear");
  Chain chain({&world}, {{"10-punch.json",
                          R"({"rules": [{"name": "dance", "when": {"owner": "file"},
                                         "then": {"action": "repair", "methods": ["punch"]}}]})"}});
  chain.start();
  FileModel& file = world.tree().file("owned");
  const ByteRange bad{4096 + 512, 512};
  const ByteRange on_device = world.device_range(file, bad);
  world.fs().drop_caches();
  world.medium().poison(on_device);
  const json repaired = chain.wait_for_state(world.loop().node(), on_device, "repaired");
  EXPECT_EQ(repaired.at("plan").at("method"), "punch");
  file.zeros.insert(bad);
  file.extents = must(kernel::fiemap(must(open_file(world.tree().path(file), O_RDONLY)).get()));
  EXPECT_THAT(world.compare(), IsEmpty());
  if (world.medium().poisoned().empty()) {
    EXPECT_EQ(world.device_range(file, bad), on_device);
    return;
  }
  EXPECT_THAT(repaired.at("reason").get<std::string>(), HasSubstr("free space"));
  const json left = chain.wait_for_state(world.loop().node(), on_device, "blocked");
  EXPECT_EQ(left.at("owners").at(0).at("kind"), "free");
  EXPECT_TRUE(left.at("job").is_null());
  EXPECT_NE(left.at("id"), repaired.at("id"));
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainPunch, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

}  // namespace
}  // namespace pmend::world
