// SPDX-License-Identifier: Apache-2.0
// What no write through a file reaches, through the whole of pmend, where a rule allows a freeze.
#include "kernel/kernel_test.hpp"
#include "medium/trace_reader.hpp"
#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/freeze.hpp"
#include "pmend/kernel/getfsmap.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"
#include "support/waiting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

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
  Chain& chain() { return *chain_; }

  bool is_frozen() {
    const UniqueFd mount = must(open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
    const auto frozen = kernel::freeze(mount.get());
    if (frozen) {
      must(kernel::thaw(mount.get()));
    }
    return !frozen;
  }
  // Which one of the repairing worker's boundaries has this name.
  static int boundary_number(const std::string& log, const std::string& name) {
    std::ifstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string role;
      int number = 0;
      if (words >> role >> number && role == "repair" && line.find(name) != std::string::npos) {
        return number;
      }
    }
    throw Failure("no boundary " + name);
  }
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

// Where the unified hierarchy of control groups is mounted; nothing where it is not.
std::optional<std::string> control_groups() {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device;
    std::string target;
    std::string type;
    if (words >> device >> target >> type && type == "cgroup2") {
      return target;
    }
  }
  return std::nullopt;
}

void put(const std::string& path, const std::string& text) {
  const UniqueFd file = must(open_file(path, O_WRONLY));
  must_call(static_cast<int>(write(file.get(), text.data(), text.size())), "write to " + path);
}

TEST_P(ChainFrozen, TheWholeControlGroupOfTheWorkersIsKilledUnderTheFreeze) {
  const auto groups = control_groups();
  if (!groups) {
    GTEST_SKIP() << "no unified control groups are mounted";
  }
  const std::string group = *groups + "/pmend-test-" + std::to_string(getpid());
  must_call(mkdir(group.c_str(), 0755), "mkdir " + group);
  const std::string log = chain().directory() + "/boundaries";
  const std::string token = chain().directory() + "/token";
  FileModel& file = world().tree().file("linked/first");
  world().fs().drop_caches();
  const UniqueFd user = must(open_file(world().tree().path(file), O_RDWR));

  // The first repair tells where to stop.
  chain().start_workers({"PMEND_BOUNDARY_LOG=" + log});
  const ByteRange first = world().device_range(file, {512, 512});
  world().medium().poison(first);
  wait_for_state(first, "repaired");
  const int number = boundary_number(log, "frozen-write: before the write");

  chain().start_workers({"PMEND_STOP_AT=repair:" + std::to_string(number), "PMEND_BOUNDARY_TOKEN=" + token});
  put(group + "/cgroup.procs", std::to_string(chain().listener().pid()));
  chain().wait_for_device(world().loop().node());
  for (const pid_t pid : chain().worker_processes()) {
    put(group + "/cgroup.procs", std::to_string(pid));
  }
  std::ofstream(token).flush();
  const ByteRange second = world().device_range(file, {8192 + 512, 512});
  world().medium().poison(second);
  ASSERT_TRUE(until(std::chrono::seconds(10), [&] { return access(token.c_str(), F_OK) < 0; }));
  EXPECT_TRUE(is_frozen());
  put(group + "/cgroup.kill", "1");
  EXPECT_TRUE(until(std::chrono::seconds(10), [&] { return !is_frozen(); }));

  chain().start_workers({});
  wait_for_state(second, "repaired");
  file.zeros.insert({512, 512});
  file.zeros.insert({8192 + 512, 512});
  EXPECT_THAT(world().compare(), IsEmpty());
  EXPECT_TRUE(until(std::chrono::seconds(10), [&] { return rmdir(group.c_str()) == 0; }));
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

// A directory of pmend's that lies on the file system.
struct Needed {
  const char* directory;
  const char* text;  // what the refusal calls it
};

void PrintTo(const Needed& needed, std::ostream* out) {
  *out << needed.directory;
}

// It is, for as long as this lives; made before anything of pmend runs.
class MovedDirectory {
 public:
  MovedDirectory(World& world, std::string directory) : directory_(std::move(directory)) {
    const std::string moved = world.fs().mount_point() + "/moved";
    must_run({"mkdir", "-p", directory_});
    must_run({"cp", "-a", directory_, moved});
    must_call(mount(moved.c_str(), directory_.c_str(), nullptr, MS_BIND, nullptr), "bind " + directory_);
  }
  MovedDirectory(const MovedDirectory&) = delete;
  MovedDirectory& operator=(const MovedDirectory&) = delete;
  ~MovedDirectory() { umount2(directory_.c_str(), MNT_DETACH); }

 private:
  std::string directory_;
};

std::string name_of(const std::tuple<FsType, Needed>& gate) {
  std::string name = std::get<Needed>(gate).directory;
  std::replace(name.begin(), name.end(), '-', '_');
  return (std::get<FsType>(gate) == FsType::kXfs ? "xfs_" : "ext4_") + name;
}

class FreezeGate : public KernelTest, public ::testing::WithParamInterface<std::tuple<FsType, Needed>> {};

TEST_P(FreezeGate, WhatHoldsOurOwnFilesIsNotFrozen) {
  const auto& [fs, needed] = GetParam();
  World world({.fs = {.type = fs}});
  world.medium().set_mode("write=clear");
  Chain chain({&world}, {freezing_policy()});
  const MovedDirectory moved(world, chain.directory() + "/" + needed.directory);
  const FileModel& file = world.tree().file("linked/first");
  const UniqueFd user = must(open_file(world.tree().path(file), O_RDWR));
  const ByteRange bad = world.device_range(file, {512, 512});
  const std::string log = chain.directory() + "/boundaries";
  chain.start();
  chain.start_workers({"PMEND_BOUNDARY_LOG=" + log});
  const auto before = must(medium::read_trace(world.medium().trace_path())).size();
  world.medium().poison(bad);
  const json incident = chain.wait_for_state(world.loop().node(), bad, "blocked");
  EXPECT_THAT(incident.at("reason"), HasSubstr("cannot be frozen: it holds " + std::string(needed.text)));
  EXPECT_THAT(read_text_file(log).value_or(""), ::testing::Not(HasSubstr("guard")));
  for (const medium::TraceRecord& record : must(medium::read_trace(world.medium().trace_path(), before))) {
    EXPECT_FALSE(record.range.overlaps(round_out(bad, 4096))) << "written: " << to_string(record.range);
  }
  EXPECT_THAT(world.medium().poisoned(), ::testing::ElementsAre(bad));
}

INSTANTIATE_TEST_SUITE_P(Kernel, FreezeGate,
                         ::testing::Combine(::testing::Values(FsType::kXfs, FsType::kExt4),
                                            ::testing::Values(Needed{"state", "pmend's ledger"},
                                                              Needed{"spool", "the spool"},
                                                              Needed{"suspects", "the lists of bad sectors"},
                                                              Needed{"worker-run", "locks and markers"})),
                         [](const auto& param_info) { return name_of(param_info.param); });

INSTANTIATE_TEST_SUITE_P(Kernel, ChainFrozen, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

}  // namespace
}  // namespace pmend::world
