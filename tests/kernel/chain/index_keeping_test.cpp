// SPDX-License-Identifier: Apache-2.0
// What becomes of an index of owners between questions.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"
#include "support/waiting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ChainIndex : public KernelTest {
 protected:
  // On an ext4, with these members in pmend.json besides, and a question asked.
  void start(const json& setting) {
    world_ = std::make_unique<World>(WorldOptions{.fs = {.type = FsType::kExt4}});
    chain_ = std::make_unique<Chain>(std::vector<World*>{world_.get()}, std::vector<PolicyFile>{default_policy()});
    chain_->set_config(setting);
    chain_->start();
    chain_->wait_for_device(world_->loop().node());
    ask();
  }

  void ask() {
    const ByteRange place = world_->device_range(world_->tree().file("linked/first"), {0, 512});
    const json found =
        chain_->ctl({"locate", world_->loop().node(), std::to_string(place.offset), std::to_string(place.length)});
    EXPECT_EQ(found.at("owners").at(0).at("kind"), "file");
  }

  json notices() { return chain_->ctl({"status"}).at("notices"); }

  // Of the one index; empty if there is none.
  std::string index_path() {
    for (const auto& entry : std::filesystem::directory_iterator(chain_->directory() + "/worker-run/index")) {
      return entry.path();
    }
    return "";
  }

  static ino_t inode_of(const std::string& path) {
    struct stat status = {};
    must_call(stat(path.c_str(), &status), "stat");
    return status.st_ino;
  }

  // True if the index was made again, which makes another file of it, within this time after a change.
  bool is_made_again_after_a_change(std::chrono::seconds limit) {
    const std::string path = index_path();
    const UniqueFd keeps_the_inode_from_being_used_again = must(open_file(path, O_RDONLY));
    const ino_t before = inode_of(path);
    std::ofstream(world_->fs().mount_point() + "/new") << "something";
    return until(limit, [&] { return inode_of(path) != before; });
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<Chain> chain_;
};

TEST_F(ChainIndex, OneThatMayNotBeKeptIsToldOnce) {
  start({{"index_mib", 0}});
  ask();
  EXPECT_THAT(notices(), Contains(HasSubstr("does not fit into index_mib, which is 0")));
}

TEST_F(ChainIndex, OneThatIsKeptIsNotToldAndNotMadeAgain) {
  start({{"index_mib", 1}});
  EXPECT_THAT(notices(), Not(Contains(HasSubstr("index"))));
  EXPECT_FALSE(is_made_again_after_a_change(std::chrono::seconds(6)));
}

TEST_F(ChainIndex, IsMadeAgainAfterChangesWhereThatIsWanted) {
  start({{"index_hints", true}});
  EXPECT_TRUE(is_made_again_after_a_change(std::chrono::seconds(30)));
  EXPECT_THAT(notices(), Not(Contains(HasSubstr("index"))));
  ask();
}

}  // namespace
}  // namespace pmend::world
