// SPDX-License-Identifier: Apache-2.0
// What only a freeze reaches, on every kind of medium: healed with nothing lost but what the medium lost, or honestly
// not healed and nothing changed.
#include "kernel/kernel_test.hpp"
#include "kernel/repair/bench.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/getfsmap.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace pmend::world {
namespace {

using ::testing::IsEmpty;

using FrozenMedium = std::tuple<FsType, std::string, std::string>;  // and words of the medium's mode: write, zero

std::string name_of_medium(const FrozenMedium& kind) {
  const std::string fs = std::get<FsType>(kind) == FsType::kXfs ? "xfs" : "ext4";
  return fs + "_write_" + std::get<1>(kind) + "_zero_" + std::get<2>(kind);
}

class FrozenMatrix : public KernelTest, public ::testing::WithParamInterface<FrozenMedium> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    bench_.emplace(plain_world(std::get<FsType>(GetParam())));
    world().medium().set_mode("write=" + std::get<1>(GetParam()) + " zero=" + std::get<2>(GetParam()));
    bench_->methods = {Method::kFrozenWrite};
  }

  World& world() { return bench_->world(); }
  bool can_heal() const { return std::get<1>(GetParam()) == "clear" || std::get<2>(GetParam()) == "clear"; }

  enum class Loss { kNo, kYes };
  // Repairs bad bytes of the device, poisoned already, which these files have there. Nobody may have a file open.
  void repair(const ByteRange& bad, Loss loss, const std::vector<FileModel*>& files, const ByteRange& file_range) {
    const repair::Place& place = bench_->place();
    const auto reply = repair::plan_repair(place, bench_->request_for({bad}));
    ASSERT_TRUE(reply.plan.has_value()) << reply.refusal->reason;
    EXPECT_EQ(reply.plan->lost.size(), loss == Loss::kYes ? 1U : 0U);
    world().mark_trace();
    const auto told = bench_->run(bench_->repair_request(reply));
    bench_->close();
    EXPECT_EQ(told.reply.outcome == Outcome::kSucceeded, can_heal()) << told.reply.reason;
    EXPECT_THAT(world().stray_writes({bad}), IsEmpty());
    if (can_heal()) {
      EXPECT_EQ(told.reply.manifest.lost.size(), loss == Loss::kYes ? files.size() : 0U);
    } else {
      unhealed_.insert(bad);
      world().fs().drop_caches();
    }
    EXPECT_EQ(RangeSet(world().medium().poisoned()), unhealed_);
    for (FileModel* file : files) {
      if (!can_heal()) {
        file->unreadable.insert(file_range);
      } else if (loss == Loss::kYes) {
        file->zeros.insert(file_range);
      }
    }
    EXPECT_THAT(world().compare(), IsEmpty());
  }

  void repair_cold(const std::string& name, const ByteRange& file_range) {
    SCOPED_TRACE(name);
    FileModel& file = bench_->file(name);
    world().poison(file, file_range);
    repair(world().device_range(file, file_range), Loss::kYes, {&file}, file_range);
  }

  void set_immutable(const FileModel& file, bool on) {
    const UniqueFd fd = must(open_file(world().tree().path(file), O_RDONLY));
    int flags = 0;
    must_call(ioctl(fd.get(), FS_IOC_GETFLAGS, &flags), "FS_IOC_GETFLAGS");
    flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    must_call(ioctl(fd.get(), FS_IOC_SETFLAGS, &flags), "FS_IOC_SETFLAGS");
  }

  ByteRange free_sector() {
    const UniqueFd mount = must(open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
    ByteRange largest;
    for (const kernel::FsmapRecord& record : must(kernel::getfsmap(mount.get(), {0, world().medium().size_bytes()}))) {
      if (record.is_free() && record.length > largest.length) {
        largest = record.device_range();
      }
    }
    return {round_out({largest.offset + largest.length / 2, 512}, 4096).offset + 1024, 512};
  }

  std::optional<RepairBench> bench_;
  RangeSet unhealed_;
};

TEST_P(FrozenMatrix, HealsOrSaysHonestlyThatItCannot) {
  repair_cold("linked/first", {512, 512});
  repair_cold("capable", {4096, 512});
  repair_cold("tail", {3 * 4096 + 1536, 512});
  repair_cold("fragmented", {2 * 100 * 4096 + 512, 512});

  FileModel& cold = bench_->file("owned");
  FileModel& cached = bench_->file("tagged");
  for (FileModel* file : {&cold, &cached}) {
    set_immutable(*file, true);
  }
  repair_cold("owned", {4096, 512});
  world().poison_cached(cached, {4096, 512});
  repair(world().device_range(cached, {4096, 512}), Loss::kNo, {&cached}, {4096, 512});
  for (FileModel* file : {&cold, &cached}) {
    set_immutable(*file, false);
  }

  const ByteRange unwritten = world().device_range(bench_->file("unwritten"), {4096, 512});
  world().medium().poison(unwritten);
  repair(unwritten, Loss::kNo, {}, {});

  const ByteRange free = free_sector();
  world().medium().poison(free);
  repair(free, Loss::kNo, {}, {});

  if (std::get<FsType>(GetParam()) == FsType::kXfs) {
    FileModel& clone = bench_->file("shared/clone");
    world().poison(clone, {4096, 512});
    repair(world().device_range(clone, {4096, 512}), Loss::kYes, {&clone, &bench_->file("shared/original")},
           {4096, 512});
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, FrozenMatrix,
                         ::testing::Combine(::testing::Values(FsType::kXfs, FsType::kExt4),
                                            ::testing::Values("eio", "clear"),
                                            ::testing::Values("clear", "eio", "nosupp")),
                         [](const auto& param_info) { return name_of_medium(param_info.param); });

}  // namespace
}  // namespace pmend::world
