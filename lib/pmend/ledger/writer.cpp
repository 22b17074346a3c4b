// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/writer.hpp"

#include "pmend/base/boundary.hpp"

#include <utility>

namespace pmend {

LedgerWriter::LedgerWriter(Ledger ledger, LedgerReader reader, OnResult on_result)
    : ledger_(std::move(ledger)),
      reader_(std::move(reader)),
      on_result_(std::move(on_result)),
      thread_([this] { run(); }) {}

LedgerWriter::~LedgerWriter() {
  // Who wants to know calls stop() first.
  (void)stop();
}

void LedgerWriter::submit(LedgerRecord record) {
  const std::lock_guard lock(mutex_);
  work_.records.push_back(std::move(record));
  changed_.notify_one();
}

void LedgerWriter::query(Query query) {
  const std::lock_guard lock(mutex_);
  work_.queries.push_back(std::move(query));
  changed_.notify_one();
}

Status LedgerWriter::stop() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      work_.stopping = true;
      changed_.notify_one();
    }
    thread_.join();
  }
  return failure_ ? Status(tl::make_unexpected(*failure_)) : Status();
}

LedgerWriter::Work LedgerWriter::wait_for_work() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return work_.stopping || !work_.records.empty() || !work_.queries.empty(); });
  return std::exchange(work_, Work{});
}

void LedgerWriter::run() {
  begin_boundaries("ledger");
  Work work;
  do {
    work = wait_for_work();
    if (!work.records.empty()) {
      write(work.records);
    }
    for (const Query& query : work.queries) {
      query(reader_);
    }
  } while (!work.stopping);
  if (!failure_) {
    if (Status closed = ledger_.close(); !closed) {
      fail_for_ever(closed.error());
    }
  }
}

void LedgerWriter::write(const std::vector<LedgerRecord>& records) {
  if (!failure_) {
    boundary("ledger: before a commit");
    if (Status applied = ledger_.apply(records); !applied) {
      fail_for_ever(applied.error());
    }
    boundary("ledger: after a commit");
  }
  if (failure_) {
    on_result_({.seq = records.front().seq, .error = failure_});
    return;
  }
  on_result_({.seq = records.back().seq, .error = {}});
  // After the report: these records are durable, whatever becomes of the next ones.
  if (Status tidied = ledger_.tidy(); !tidied) {
    fail_for_ever(tidied.error());
  }
}

void LedgerWriter::fail_for_ever(const Error& error) {
  failure_ = error;
  // Where even this fails nothing is lost: apply() is never called again.
  (void)ledger_.forbid_writing();
}

}  // namespace pmend
