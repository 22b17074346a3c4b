// SPDX-License-Identifier: Apache-2.0
// A pmend with nothing to do lets the machine sleep, and needs little memory.
#include "kernel/kernel_test.hpp"
#include "pmend/base/text.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
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

// A pmend that has done something, so that nothing of that may be left running.
class IdleChain {
 public:
  explicit IdleChain(Lists lists)
      : lists_(lists), world_({.fs = {.type = FsType::kXfs}}), chain_({&world_}, {default_policy()}, lists) {
    world_.medium().set_mode("write=clear");
    chain_.start();
    const FileModel& file = world_.tree().file("linked/first");
    const std::string& node = world_.loop().node();
    world_.poison_cached(file, {512, 512});
    if (lists == Lists::kOwn) {
      chain_.wait_for_device(node);
      chain_.ctl({"scrub", node});
    }
    chain_.wait_for_state(node, world_.device_range(file, {512, 512}), "repaired");
  }

  void begin() {
    before_[chain_.pmend().pid()] = usage_of(chain_.pmend().pid());
    for (const pid_t pid : chain_.worker_processes()) {
      before_[pid] = usage_of(pid);
    }
    EXPECT_EQ(before_.size(), 3U) << "pmend, the listener and the observer";
  }

  void judge() {
    std::uint64_t wake_ups = 0;
    for (const auto& [pid, then] : before_) {
      const Usage now = usage_of(pid);
      wake_ups += now.wake_ups - then.wake_ups;
      const char* who = pid == chain_.pmend().pid()      ? "pmend"
                        : pid == chain_.listener().pid() ? "listener"
                                                         : "observer";
      std::printf("%s: %s: %llu wake-ups, RssAnon %llu KiB\n", lists_ == Lists::kOwn ? "own list" : "list file", who,
                  static_cast<unsigned long long>(now.wake_ups - then.wake_ups),
                  static_cast<unsigned long long>(now.anonymous_kib));
      EXPECT_LT(now.anonymous_kib, kMostAnonymousKib);
    }
    EXPECT_LE(wake_ups, kMostWakeUps);
  }

 private:
  Lists lists_;
  World world_;
  Chain chain_;
  std::map<pid_t, Usage> before_;
};

using ChainIdle = KernelTest;

// Both kinds in the same minute.
TEST_F(ChainIdle, SleepsAndIsSmall) {
  IdleChain list_file(Lists::kOfMedium);
  IdleChain own_list(Lists::kOwn);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  list_file.begin();
  own_list.begin();
  std::this_thread::sleep_for(kIdle);
  list_file.judge();
  own_list.judge();
}

}  // namespace
}  // namespace pmend::world
