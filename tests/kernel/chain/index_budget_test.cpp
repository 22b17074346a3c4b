// SPDX-License-Identifier: Apache-2.0
// An index of owners that may not be kept: answers stay right, and people are told once what they cost.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ChainIndexBudget : public KernelTest {
 protected:
  // Of the status, after a question.
  json notices_after_a_question(std::uint64_t index_mib) {
    World world({.fs = {.type = FsType::kExt4}});
    Chain chain({&world}, {default_policy()});
    const std::string config = chain.directory() + "/pmend.json";
    json changed = json::parse(must(read_text_file(config)));
    changed["index_mib"] = index_mib;
    std::ofstream(config) << changed;
    chain.start();
    const std::string node = world.loop().node();
    chain.wait_for_device(node);
    const ByteRange place = world.device_range(world.tree().file("linked/first"), {0, 512});
    for (int i = 0; i < 2; ++i) {
      const json found = chain.ctl({"locate", node, std::to_string(place.offset), std::to_string(place.length)});
      EXPECT_EQ(found.at("owners").at(0).at("kind"), "file");
    }
    EXPECT_EQ(chain.ctl({"status"}).at("state"), "running");
    return chain.ctl({"status"}).at("notices");
  }
};

TEST_F(ChainIndexBudget, AnIndexThatMayNotBeKeptIsToldOnce) {
  EXPECT_THAT(notices_after_a_question(0), Contains(HasSubstr("does not fit into index_mib, which is 0")));
}

TEST_F(ChainIndexBudget, OneThatIsKeptIsNot) {
  EXPECT_THAT(notices_after_a_question(1), Not(Contains(HasSubstr("index_mib"))));
}

}  // namespace
}  // namespace pmend::world
