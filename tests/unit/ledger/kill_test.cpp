// SPDX-License-Identifier: Apache-2.0
#include "faulty_vfs.hpp"
#include "ledger_dir.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/ledger/writer.hpp"
#include "support/seed.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <future>
#include <random>
#include <string>
#include <vector>

namespace pmend {
namespace {

constexpr std::uint64_t kRecords = 96;

// The process that is killed: submits the story and writes each number that is reported as durable to `report`.
[[noreturn]] void write_until_killed(const LedgerDir& dir, const std::vector<LedgerRecord>& story, int report) {
  // The page cache outlives a process, so syncs need not reach the disk here.
  const FaultyVfs vfs;
  auto ledger = dir.open();
  auto reader = ledger ? ledger->open_reader() : Result<LedgerReader>(tl::make_unexpected(ledger.error()));
  if (!reader) {
    _exit(1);
  }
  LedgerWriter writer(std::move(*ledger), std::move(*reader), [report](const LedgerResult& result) {
    if (result.error || write(report, &result.seq, sizeof result.seq) != sizeof result.seq) {
      _exit(1);
    }
  });
  for (const LedgerRecord& record : story) {
    writer.submit(record);
    if (record.seq % 3 != 0) {
      continue;  // comes together with the next one
    }
    std::promise<void> written;
    writer.query([&](LedgerReader&) { written.set_value(); });
    written.get_future().wait();
  }
  for (;;) {
    pause();
  }
}

// Kills the process after `reports` reports. The last number that it reported, also of those that were under way.
std::uint64_t run_and_kill(const LedgerDir& dir, const std::vector<LedgerRecord>& story, std::uint64_t reports) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "pipe2";
    return 0;
  }
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    write_until_killed(dir, story, out.get());
  }
  out.reset();
  std::uint64_t last = 0;
  std::uint64_t number = 0;
  for (std::uint64_t i = 0; i < reports && read(in.get(), &number, sizeof number) == sizeof number; ++i) {
    last = number;
    if (last == story.back().seq) {
      break;
    }
  }
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
  while (read(in.get(), &number, sizeof number) == sizeof number) {
    last = number;
  }
  return last;
}

TEST(LedgerKilled, HoldsAtLeastWhatItReportedAndOnlyWholeRecords) {
  std::mt19937_64 random(world::test_seed());
  const int rounds = world::long_run() ? 500 : 20;
  const auto story = a_story(kRecords);
  const auto states = states_of(story);
  for (int round = 0; round < rounds; ++round) {
    const LedgerDir dir;
    std::uint64_t durable = 0;
    // Killed, started again where it was, killed again.
    for (int life = 0; life < 3; ++life) {
      const std::vector<LedgerRecord> rest(story.begin() + static_cast<std::ptrdiff_t>(durable), story.end());
      if (rest.empty()) {
        break;
      }
      const std::uint64_t reported = run_and_kill(dir, rest, random() % 24);
      const auto found = state_in(dir);
      ASSERT_TRUE(found.has_value()) << found.error().message();
      ASSERT_GE(found->last_seq, reported) << "round " << round;
      ASSERT_LT(found->last_seq, states.size());
      EXPECT_EQ(*found, states[found->last_seq]) << "round " << round;
      durable = found->last_seq;
    }
  }
}

}  // namespace
}  // namespace pmend
