// SPDX-License-Identifier: Apache-2.0
// The medium loses power between any two writes of a repair, and with it goes the page cache: what the repair had
// salvaged is all there afterwards, and nothing is lost that no report calls lost.
#include "kernel/mutation.hpp"
#include "kernel/repair/exchange_world.hpp"
#include "pmend/repair/freeze_marker.hpp"
#include "support/kept_pages.hpp"
#include "support/must.hpp"
#include "support/seed.hpp"
#include "support/waiting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace pmend::world {
namespace {

using repair::JobKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::IsEmpty;

enum class Salvage { kNothing, kFromCache };

struct Loss {
  FsType fs;
  Method method;
  Salvage salvage;
  const char* mode;                // of the medium
  std::vector<const char*> roles;  // of the processes that write, or tell others to
};

std::string name_of(const Loss& loss) {
  std::string method(to_string(loss.method));
  std::replace(method.begin(), method.end(), '-', '_');
  return std::string(loss.fs == FsType::kXfs ? "xfs_" : "ext4_") + method +
         (loss.salvage == Salvage::kFromCache ? "_salvage" : "");
}

struct Passed {
  std::string role;
  int number = 0;
  pid_t pid = 0;
};

bool is_gone(pid_t pid) {
  const auto status = read_text_file("/proc/" + std::to_string(pid) + "/stat");
  return !status || status->find(") Z") != std::string::npos;
}

class PowerLoss : public KernelTest, public ::testing::WithParamInterface<Loss> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    const auto reason = GetParam().method == Method::kExchange ? exchange_unavailable() : std::nullopt;
    if (reason && !IsSkipped()) {
      GTEST_SKIP() << *reason;
    }
    if (IsSkipped()) {
      return;
    }
    WorldOptions options = GetParam().method == Method::kExchange ? exchange_world(false) : plain_world(GetParam().fs);
    options.standard_files = false;
    bench_.emplace(options);
    for (int i = 0; i < kVictims; ++i) {
      world().tree().add_file("victim" + std::to_string(i), kVictimBytes);
    }
    world().settle();
    world().medium().set_mode(GetParam().mode);
    bench_->allow({GetParam().method});
    if (GetParam().method == Method::kRedirty) {  // where the cache went before anything was begun
      bench_->methods.push_back(Method::kRewrite);
    }
  }

  World& world() { return bench_->world(); }
  std::string log() { return world().directory() + "/boundaries"; }
  std::string token() { return world().directory() + "/token"; }
  std::string reply() { return world().directory() + "/reply.json"; }

  std::vector<Passed> passed() {
    std::vector<Passed> all;
    std::ifstream lines(log());
    std::string name;
    for (Passed line; lines >> line.role >> line.number >> line.pid && std::getline(lines, name);) {
      all.push_back(line);
    }
    return all;
  }

  // Nobody has read the victim yet.
  protocol::RepairRequest prepare(const FileModel& file) {
    bench_->close();
    if (GetParam().salvage == Salvage::kFromCache) {
      kept_.emplace(world().tree().path(file), file.size);
    }
    world().medium().poison(world().device_range(file, kVictimBad));
    auto request = bench_->repair_request(file, {kVictimBad});
    EXPECT_EQ(request.plan.method, GetParam().method);
    return request;
  }

  // Runs the job until the n-th boundary of the role; false if it came to its end without that.
  bool run_until(const std::string& role, int n, const protocol::RepairRequest& request) {
    std::ofstream(token()).flush();
    std::ofstream(log(), std::ios::trunc).flush();
    auto worker = bench_->start(request, JobKind::kRepair,
                                {{"PMEND_STOP_AT", role + ":" + std::to_string(n)},
                                 {"PMEND_BOUNDARY_TOKEN", token()},
                                 {"PMEND_BOUNDARY_LOG", log()}});
    until(std::chrono::seconds(30),
          [this] { return access(token().c_str(), F_OK) < 0 || access(reply().c_str(), F_OK) == 0; });
    const bool stopped = access(token().c_str(), F_OK) < 0;
    for (const Passed& line : passed()) {
      if (line.role != "repair") {
        kill(line.pid, SIGKILL);
      }
    }
    if (stopped) {
      worker.kill();
    }
    worker.wait_for_reply();
    EXPECT_TRUE(until(std::chrono::seconds(10), [this] {
      const auto all = passed();
      return std::all_of(all.begin(), all.end(), [](const Passed& line) { return is_gone(line.pid); });
    }));
    return stopped;
  }

  // No write of ours is under way any more. Thawed before, for nobody unmounts what is frozen.
  void lose_power() {
    const auto open_mount = [this](dev_t) { return open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY); };
    EXPECT_THAT(must(repair::thaw_leftovers(world().directory(), open_mount, std::chrono::seconds(5))).frozen,
                IsEmpty());
    kept_.reset();
    bench_->close();
    world().power_loss();
  }

  // What pmend does with the job then.
  void converge(FileModel& file, const protocol::RepairRequest& request) {
    const auto resumed = bench_->start(request, JobKind::kResume).wait_for_reply();
    ASSERT_TRUE(resumed.has_value());
    protocol::RepairReply reply = *resumed;
    if (reply.outcome == Outcome::kInterrupted) {  // nothing had begun: what only the cache had went with the power
      reply = bench_->start(bench_->repair_request(file, {kVictimBad}), JobKind::kRepair).wait_for_reply().value();
    } else if (GetParam().salvage == Salvage::kFromCache) {
      EXPECT_THAT(reply.manifest.lost, IsEmpty());
    }
    EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
    bench_->declare_lost(file, reply.manifest);
    if (GetParam().method != Method::kPunch) {  // else the bad block may be free space now
      EXPECT_THAT(world().medium().poisoned(), IsEmpty());
    }
    EXPECT_THAT(compare_content(world().tree(), file), IsEmpty());
    (void)repair::release_spool(bench_->spool_directory(), request.spool_key);
  }

  static constexpr int kVictims = 60;
  std::optional<RepairBench> bench_;
  std::optional<KeptPages> kept_;
};

// By default some of the boundaries, and all of the process that writes to the device; all with PMEND_LONG=1.
TEST_P(PowerLoss, BetweenAnyTwoWritesNothingSalvagedIsLost) {
  int next = 0;
  for (const std::string role : GetParam().roles) {
    const int stride = long_run() || role == "writer" ? 1 : 5;
    int n = 1;
    for (bool stopped = true; stopped && !HasFailure(); n += stride) {
      SCOPED_TRACE(role + ":" + std::to_string(n));
      FileModel& file = world().tree().file("victim" + std::to_string(next++));
      const auto request = prepare(file);
      stopped = run_until(role, n, request);
      lose_power();
      converge(file, request);
    }
    EXPECT_GT(n, 1 + stride) << "no boundary of " << role;
  }
  std::printf("%d power losses\n", next);
}

const std::vector<Loss>& losses() {
  using enum Method;
  static const std::vector<Loss> all{
      {FsType::kExt4, kRewrite, Salvage::kNothing, "write=clear", {"repair"}},
      {FsType::kXfs, kPunch, Salvage::kNothing, "write=clear", {"repair"}},
      {FsType::kXfs, kRedirty, Salvage::kFromCache, "write=clear", {"repair"}},
      {FsType::kExt4, kFrozenWrite, Salvage::kNothing, "write=clear", {"writer"}},
      // What was salvaged must be written over zeros here.
      {FsType::kXfs, kFrozenWrite, Salvage::kFromCache, "write=eio zero=clear", {"writer", "guard", "repair"}},
      {FsType::kXfs, kExchange, Salvage::kFromCache, "write=clear", {"repair"}},
  };
  return all;
}

INSTANTIATE_TEST_SUITE_P(Kernel, PowerLoss, ::testing::ValuesIn(losses()),
                         [](const auto& param_info) { return name_of(param_info.param); });

}  // namespace
}  // namespace pmend::world
