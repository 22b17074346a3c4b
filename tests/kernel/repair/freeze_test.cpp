// SPDX-License-Identifier: Apache-2.0
// A freeze ends, whatever dies or hangs and whatever other people do, and never while a write may still land.
#include "pmend/kernel/freeze.hpp"

#include "kernel/kernel_test.hpp"
#include "kernel/repair/bench.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/repair/freeze_marker.hpp"
#include "support/must.hpp"
#include "support/waiting.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

namespace pmend::world {
namespace {

using repair::JobKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr ByteRange kBad{4096, 512};

// A file that is in use, so that only a freeze can help it, and repairs of it that stop at boundaries of any process.
class Freeze : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    WorldOptions options;
    options.fs.type = GetParam();
    options.standard_files = false;
    bench_.emplace(options);
    for (int i = 0; i < kVictims; ++i) {
      bench_->world().tree().add_file("victim" + std::to_string(i), 65536);
    }
    world().settle();
    world().medium().set_mode("write=clear");
    bench_->methods = {Method::kRedirty, Method::kRewrite, Method::kFrozenWrite};
  }

  World& world() { return bench_->world(); }
  FileModel& victim(int number) { return bench_->file("victim" + std::to_string(number)); }

  // Poisons it, and has it open from then on, until let_go().
  protocol::RepairRequest prepare(const FileModel& file) {
    let_go();
    world().poison(file, kBad);
    user_ = must(open_file(world().tree().path(file), O_RDWR));
    return bench_->repair_request(file, {kBad});
  }
  void let_go() {
    user_.reset();
    bench_->close();
  }
  int user() const { return user_.get(); }

  bool is_frozen() {
    const UniqueFd mount = must(open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
    const auto frozen = kernel::freeze(mount.get());
    if (frozen) {
      must(kernel::thaw(mount.get()));
    }
    return !frozen;
  }
  void thaw() {
    const UniqueFd mount = must(open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
    must(kernel::thaw(mount.get()));
  }

  // A repair of which the process with this role stops at its n-th boundary.
  RepairBench::Worker start_until(const std::string& role, int n, const protocol::RepairRequest& request) {
    std::ofstream(token()).flush();
    std::ofstream(log(), std::ios::trunc).flush();
    return bench_->start(request, JobKind::kRepair,
                         {{"PMEND_STOP_AT", role + ":" + std::to_string(n)},
                          {"PMEND_BOUNDARY_TOKEN", token()},
                          {"PMEND_BOUNDARY_LOG", log()}});
  }
  // The process that stopped; nothing if the worker came to its end.
  std::optional<pid_t> stopped(const std::string& role, int n) {
    const std::string reply = world().directory() + "/reply.json";
    until(std::chrono::seconds(20),
          [&] { return access(token().c_str(), F_OK) < 0 || access(reply.c_str(), F_OK) == 0; });
    std::ifstream lines(log());
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string who;
      int number = 0;
      pid_t pid = 0;
      if (words >> who >> number >> pid && who == role && number == n) {
        return pid;
      }
    }
    return std::nullopt;
  }

  // Which one of the worker's boundaries has this name: found by a repair of another file.
  int boundary_number(const std::string& name) {
    FileModel& file = victim(kVictims - 1);
    const auto request = prepare(file);
    std::ofstream(log(), std::ios::trunc).flush();
    bench_->start(request, JobKind::kRepair, {{"PMEND_BOUNDARY_LOG", log()}}).wait_for_reply();
    file.zeros.insert(kBad);
    std::ifstream lines(log());
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string who;
      int number = 0;
      if (words >> who >> number && who == "repair" && line.find(name) != std::string::npos) {
        return number;
      }
    }
    throw Failure("no boundary " + name);
  }

  repair::Leftovers thaw_leftovers() {
    const auto open_mount = [this](dev_t) { return open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY); };
    return must(repair::thaw_leftovers(world().directory(), open_mount, std::chrono::seconds(5)));
  }

  // What pmend does with a job whose worker is gone, or did not know.
  protocol::RepairReply converge(const FileModel& file, const protocol::RepairRequest& request) {
    EXPECT_THAT(thaw_leftovers().frozen, IsEmpty());
    auto reply = bench_->run(request, JobKind::kResume).reply;
    if (reply.outcome == Outcome::kInterrupted) {
      reply = bench_->run(bench_->repair_request(file, {kBad})).reply;
    }
    return reply;
  }

  // Kills the process of the role at each of its boundaries, alone or with the worker, and expects the same end.
  void kill_at_every_boundary(const std::string& role, bool with_worker) {
    int n = 1;
    for (; n < kVictims; ++n) {
      SCOPED_TRACE(role + ":" + std::to_string(n));
      FileModel& file = victim(n);
      const auto request = prepare(file);
      auto worker = start_until(role, n, request);
      const auto pid = stopped(role, n);
      if (!pid) {
        worker.wait_for_reply();
        break;
      }
      if (with_worker) {
        worker.kill();
      }
      kill(*pid, SIGKILL);
      const auto reply = worker.wait_for_reply();
      EXPECT_TRUE(until(std::chrono::seconds(8), [this] {
        thaw_leftovers();
        return !is_frozen();
      }));
      if (!reply || reply->outcome != Outcome::kSucceeded) {
        const auto again = converge(file, request);
        EXPECT_EQ(again.outcome, Outcome::kSucceeded) << again.reason;
      }
      file.zeros.insert(kBad);
      (void)repair::release_spool(bench_->spool_directory(), request.spool_key);
    }
    EXPECT_GT(n, 1);
    victim(n).zeros.insert(kBad);  // the run that met no such boundary
    let_go();
    EXPECT_THAT(world().medium().poisoned(), IsEmpty());
    EXPECT_THAT(world().compare(), IsEmpty());
  }

  std::string token() { return world().directory() + "/token"; }
  std::string log() { return world().directory() + "/boundaries"; }

  static constexpr int kVictims = 24;
  std::optional<RepairBench> bench_;
  UniqueFd user_;
};

TEST_P(Freeze, TheWorkerIsKilledAtAnyBoundary) {
  kill_at_every_boundary("repair", true);
}
TEST_P(Freeze, TheGuardIsKilledAtAnyBoundary) {
  kill_at_every_boundary("guard", false);
}
TEST_P(Freeze, GuardAndWorkerAreKilledAtAnyBoundary) {
  kill_at_every_boundary("guard", true);
}
TEST_P(Freeze, TheWriterIsKilledAtAnyBoundary) {
  kill_at_every_boundary("writer", false);
}
TEST_P(Freeze, WriterAndWorkerAreKilledAtAnyBoundary) {
  kill_at_every_boundary("writer", true);
}

TEST_P(Freeze, AWorkerThatStopsIsNotWaitedFor) {
  FileModel& file = victim(0);
  const int before_write = boundary_number("frozen-write: before the write");
  const auto request = prepare(file);
  auto worker = start_until("repair", before_write, request);
  ASSERT_TRUE(worker.wait_for_stop());
  EXPECT_TRUE(is_frozen());
  EXPECT_EQ(umount2(world().fs().mount_point().c_str(), 0), -1);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_TRUE(until(std::chrono::seconds(5), [this] { return !is_frozen(); }));
  // Its user writes there before the worker goes on.
  const std::vector<std::byte> newer(4096, std::byte{'U'});
  must(write_exactly(user(), newer, 4096));
  must_call(fsync(user()), "fsync");
  file.patches[4096] = newer;
  worker.resume();
  const auto reply = worker.wait_for_reply();
  ASSERT_TRUE(reply.has_value());
  EXPECT_NE(reply->outcome, Outcome::kSucceeded);
  let_go();
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(Freeze, SomebodyElseThawsInTheMiddle) {
  FileModel& file = victim(0);
  const int before_write = boundary_number("frozen-write: before the write");
  const auto request = prepare(file);
  auto worker = start_until("repair", before_write, request);
  ASSERT_TRUE(worker.wait_for_stop());
  thaw();
  const std::vector<std::byte> newer(4096, std::byte{'U'});
  must(write_exactly(user(), newer, 4096));
  must_call(fsync(user()), "fsync");
  file.patches[4096] = newer;
  worker.resume();
  const auto reply = worker.wait_for_reply();
  ASSERT_TRUE(reply.has_value());
  EXPECT_NE(reply->outcome, Outcome::kSucceeded);
  EXPECT_FALSE(is_frozen());
  let_go();
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(Freeze, SomebodyElsesFreezeIsLeftAlone) {
  const FileModel& file = victim(0);
  const auto request = prepare(file);
  world().mark_trace();
  must_run({"fsfreeze", "-f", world().fs().mount_point()});
  const auto told = bench_->run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kBusyRetry) << told.reply.reason;
  EXPECT_THAT(told.reply.reason, HasSubstr("frozen"));
  must_run({"fsfreeze", "-u", world().fs().mount_point()});
  EXPECT_THAT(world().stray_writes({}), IsEmpty());
}

TEST_P(Freeze, AWriteThatHangsKeepsItFrozenUntilItIsOver) {
  FileModel& file = victim(0);
  const auto request = prepare(file);
  const ByteRange bad = world().device_range(file, kBad);
  world().medium().gate("hold zero " + std::to_string(bad.offset) + " " + std::to_string(bad.length));
  auto worker = bench_->start(request, JobKind::kRepair);
  ASSERT_TRUE(world().medium().wait_for_parked(std::chrono::seconds(10)));
  std::this_thread::sleep_for(std::chrono::seconds(4));  // past the limit of the freeze and the grace of its writer
  EXPECT_TRUE(is_frozen());
  worker.kill();
  worker.wait_for_reply();
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_TRUE(is_frozen());
  world().medium().gate("release");
  EXPECT_TRUE(until(std::chrono::seconds(8), [this] { return !is_frozen(); }));
  const auto reply = converge(file, request);
  EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  file.zeros.insert(kBad);
  let_go();
  EXPECT_THAT(world().compare(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, Freeze, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

}  // namespace
}  // namespace pmend::world
