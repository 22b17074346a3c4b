// SPDX-License-Identifier: Apache-2.0
// A pmend with nothing to do lets the machine sleep, and needs little memory.
#include "kernel/kernel_test.hpp"
#include "pmend/base/text.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <sstream>
#include <thread>

namespace pmend::world {
namespace {

constexpr std::chrono::seconds kIdle{60};
constexpr std::uint64_t kMostWakeUps = 2;
constexpr std::uint64_t kMostAnonymousKib = 16U << 10U;

// The number behind a key of a status file (proc_pid_status(5)); nothing if the process is gone.
std::optional<std::uint64_t> status_number(const std::string& file, const std::string& key) {
  const auto text = read_text_file(file);
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t number = 0;
    if (words >> name >> number && name == key + ":") {
      return number;
    }
  }
  return std::nullopt;
}

struct Usage {
  std::uint64_t wake_ups = 0;  // voluntary context switches of all threads so far
  std::uint64_t anonymous_kib = 0;
};

Usage usage_of(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  Usage usage;
  usage.anonymous_kib = status_number(process + "/status", "RssAnon").value_or(0);
  for (const auto& thread : std::filesystem::directory_iterator(process + "/task")) {
    usage.wake_ups += status_number(thread.path() / "status", "voluntary_ctxt_switches").value_or(0);
  }
  return usage;
}

class ChainIdle : public KernelTest, public ::testing::WithParamInterface<Lists> {};

TEST_P(ChainIdle, SleepsAndIsSmall) {
  World world({.fs = {.type = FsType::kXfs}});
  world.medium().set_mode("write=clear");
  Chain chain({&world}, {default_policy()}, GetParam());
  chain.start();
  // It has done something, so that nothing of that may be left running.
  const FileModel& file = world.tree().file("linked/first");
  world.poison_cached(file, {512, 512});
  if (GetParam() == Lists::kOwn) {
    chain.wait_for_device(world.loop().node());
    chain.ctl({"scrub", world.loop().node()});
  }
  chain.wait_for_state(world.loop().node(), world.device_range(file, {512, 512}), "repaired");
  std::this_thread::sleep_for(std::chrono::seconds(2));

  std::map<pid_t, Usage> before;
  before[chain.pmend().pid()] = usage_of(chain.pmend().pid());
  for (const pid_t pid : chain.worker_processes()) {
    before[pid] = usage_of(pid);
  }
  EXPECT_EQ(before.size(), 3U) << "pmend, the listener and the observer";
  std::this_thread::sleep_for(kIdle);
  std::uint64_t wake_ups = 0;
  for (const auto& [pid, then] : before) {
    const Usage now = usage_of(pid);
    wake_ups += now.wake_ups - then.wake_ups;
    const char* who = pid == chain.pmend().pid() ? "pmend" : pid == chain.listener().pid() ? "listener" : "observer";
    std::printf("%s: %llu wake-ups, RssAnon %llu KiB\n", who,
                static_cast<unsigned long long>(now.wake_ups - then.wake_ups),
                static_cast<unsigned long long>(now.anonymous_kib));
    EXPECT_LT(now.anonymous_kib, kMostAnonymousKib);
  }
  EXPECT_LE(wake_ups, kMostWakeUps);
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainIdle, ::testing::Values(Lists::kOfMedium, Lists::kOwn),
                         [](const auto& param_info) {
                           return param_info.param == Lists::kOwn ? "own_list" : "list_file";
                         });

}  // namespace
}  // namespace pmend::world
