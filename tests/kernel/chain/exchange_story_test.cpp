// SPDX-License-Identifier: Apache-2.0
// Files in use that get a new block for a bad one, through the whole of pmend.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <filesystem>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PolicyFile exchange_policy() {
  return {"10-exchange.json",
          R"({"rules": [{"name": "exchange", "when": {"owner": "file"},
                         "then": {"action": "repair", "methods": ["redirty", "exchange", "rewrite"]}}]})"};
}

class ChainExchange : public KernelTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (const auto reason = exchange_unavailable(); reason && !IsSkipped()) {
      GTEST_SKIP() << *reason;
    }
  }
};

TEST_P(ChainExchange, AFileInUseIsHealedAndABlockThatStaysBadIsNotTriedAgain) {
  World world({.fs = {.exchange = true}});
  world.medium().set_mode("write=" + GetParam());
  Chain chain({&world}, {exchange_policy()});
  chain.start();
  FileModel& file = world.tree().file("owned");
  const ByteRange bad{4096 + 512, 512};
  const ByteRange on_device = world.device_range(file, bad);
  world.fs().drop_caches();
  const UniqueFd user = must(open_file(world.tree().path(file), O_RDWR));
  world.medium().poison(on_device);
  const json repaired = chain.wait_for_state(world.loop().node(), on_device, "repaired");
  EXPECT_EQ(repaired.at("plan").at("method"), "exchange");
  file.zeros.insert(bad);
  file.extents = must(kernel::fiemap(user.get()));
  if (GetParam() == "clear") {
    EXPECT_THAT(world.medium().poisoned(), IsEmpty());
    EXPECT_THAT(world.compare(), IsEmpty());
    return;
  }
  EXPECT_THAT(repaired.at("reason").get<std::string>(), HasSubstr("quarantine"));
  // Its list entry is an incident of the file that keeps the block, and that is the end of it.
  const json kept = chain.wait_for_state(world.loop().node(), on_device, "blocked");
  EXPECT_THAT(kept.at("reason").get<std::string>(), HasSubstr("kept in quarantine"));
  EXPECT_THAT(kept.at("owners").at(0).at("paths").at(0).at("text").get<std::string>(),
              HasSubstr("/.pmend-quarantine/inode-"));
  EXPECT_TRUE(kept.at("job").is_null());
  auto wrong = world.compare();
  std::erase_if(wrong, [](const Difference& difference) { return difference.wrong == Wrong::kExtra; });
  EXPECT_THAT(wrong, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainExchange, ::testing::Values("clear", "eio"),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace
}  // namespace pmend::world
