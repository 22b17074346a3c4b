// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/ledger/ledger.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace pmend {

// What became of submitted records.
struct LedgerResult {
  std::uint64_t seq = 0;
  std::optional<Error> error;  // absent: every record up to `seq` is durable; else: none from `seq` on is known to be
};

// Writes records on a thread of its own, as many in one commit as have come together meanwhile. After the first failure
// nothing is written any more as long as this object lives: pmend then only watches. Queries go on.
class LedgerWriter {
 public:
  // Called on the ledger thread; hands the result to the caller's own loop and returns soon.
  using OnResult = std::function<void(const LedgerResult&)>;
  // Runs on the ledger thread.
  using Query = std::function<void(LedgerReader&)>;

  LedgerWriter(Ledger ledger, LedgerReader reader, OnResult on_result);
  LedgerWriter(LedgerWriter&&) = delete;
  LedgerWriter& operator=(LedgerWriter&&) = delete;
  // Does what stop() does.
  ~LedgerWriter();

  // Never waits for the disk. Each record is reported, as durable or as failed.
  void submit(LedgerRecord record);

  // Runs `query` after the commit that is going on, if any. It sees what was reported as durable, perhaps more.
  void query(Query query);

  // Writes and runs what was submitted before, notes that pmend ended in order (unless a write has failed), and ends
  // the thread. Nothing may be submitted after it. Errors: the first one of all writing, that of the end included.
  Status stop();

 private:
  struct Work {
    std::vector<LedgerRecord> records;
    std::vector<Query> queries;
    bool stopping = false;
  };

  void run();
  Work wait_for_work();
  void write(const std::vector<LedgerRecord>& records);
  void fail_for_ever(const Error& error);

  // Used by the ledger thread only.
  Ledger ledger_;
  LedgerReader reader_;
  OnResult on_result_;
  std::optional<Error> failure_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Work work_;  // by mutex_

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace pmend
