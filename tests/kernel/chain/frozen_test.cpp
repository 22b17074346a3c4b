// SPDX-License-Identifier: Apache-2.0
// What no write through a file reaches, through the whole of pmend, where a rule allows a freeze.
#include "kernel/kernel_test.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/getfsmap.hpp"
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

PolicyFile freezing_policy() {
  return {"10-freeze.json", R"({"rules": [
    {"name": "freezes", "then": {"action": "repair", "methods": ["redirty", "rewrite", "frozen-write"]}}]})"};
}

class ChainFrozen : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      world_ = std::make_unique<World>(WorldOptions{.fs = {.type = GetParam()}});
      chain_ = std::make_unique<Chain>(std::vector<World*>{world_.get()}, std::vector<PolicyFile>{freezing_policy()});
      chain_->start();
    }
  }

  World& world() { return *world_; }
  json wait_for_state(const ByteRange& device_range, const std::string& state) {
    return chain_->wait_for_state(world().loop().node(), device_range, state);
  }
  // The first record of GETFSMAP for which this holds, longer than a page.
  ByteRange space(const std::function<bool(const kernel::FsmapRecord&)>& wanted) {
    const UniqueFd mount = must(open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
    for (const kernel::FsmapRecord& record : must(kernel::getfsmap(mount.get(), {0, world().medium().size_bytes()}))) {
      if (record.length >= 8192 && wanted(record)) {
        return {record.device_offset + 4096, 512};
      }
    }
    throw Failure("no such space");
  }

 private:
  std::unique_ptr<World> world_;
  std::unique_ptr<Chain> chain_;
};

TEST_P(ChainFrozen, AFileInUseIsRepairedUnderItsUsersHands) {
  FileModel& file = world().tree().file("linked/first");
  world().fs().drop_caches();
  const UniqueFd user = must(open_file(world().tree().path(file), O_RDWR));
  const ByteRange bad = world().device_range(file, {512, 512});
  world().medium().poison(bad);
  const json incident = wait_for_state(bad, "repaired");
  EXPECT_EQ(incident.at("plan").at("method"), "frozen-write");
  EXPECT_EQ(incident.at("plan").at("bytes_lost"), 512);
  file.zeros.insert({512, 512});
  EXPECT_THAT(world().compare(), IsEmpty());
  EXPECT_THAT(world().stray_writes({bad}), IsEmpty());
}

TEST_P(ChainFrozen, FreeSpaceIsRepairedAndNothingIsLost) {
  const ByteRange bad = space([](const kernel::FsmapRecord& record) { return record.is_free(); });
  world().medium().poison(bad);
  const json incident = wait_for_state(bad, "repaired");
  EXPECT_EQ(incident.at("plan").at("bytes_lost"), 0);
  EXPECT_EQ(incident.at("owners").at(0).at("kind"), "free");
  EXPECT_THAT(world().medium().poisoned(), IsEmpty());
  EXPECT_THAT(world().stray_writes({bad}), IsEmpty());
}

TEST_P(ChainFrozen, BadMetadataForbidsEveryFreeze) {
  const ByteRange metadata = space([](const kernel::FsmapRecord& record) {
    return record.is_special() && !record.is_free() && !record.is_unknown();
  });
  world().medium().poison(metadata);
  wait_for_state(metadata, "blocked");
  const ByteRange bad = space([](const kernel::FsmapRecord& record) { return record.is_free(); });
  world().mark_trace();
  world().medium().poison(bad);
  EXPECT_THAT(wait_for_state(bad, "blocked").at("reason"), HasSubstr("cannot be frozen"));
  EXPECT_THAT(world().stray_writes({}), IsEmpty());
  world().medium().unpoison(metadata);
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainFrozen, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

}  // namespace
}  // namespace pmend::world
