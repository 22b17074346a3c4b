// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/ledger/reader.hpp"
#include "pmend/ledger/record.hpp"
#include "pmend/ledger/sqlite.hpp"
#include "pmend/ledger/state.hpp"
#include "pmend/ledger/state_lock.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace pmend {

struct LedgerOptions {
  std::string state_dir;  // exists and is writable; the ledger is `ledger.db` in it
  std::string boot_id;    // of this boot
};

// The durable memory: one SQLite file that one pmend writes. What apply() has reported as done survives kill -9 and
// power loss; what it has not reported may be there too, but only whole records, in their order.
//
// Used by one thread at a time. LedgerWriter puts it on a thread of its own, because a commit waits for the disk.
class Ledger {
 public:
  // Makes a new ledger where there is none; a damaged one is never replaced. From here on the ledger counts as not
  // ended in order until close(). Errors: kRefused if another pmend has the directory; the errno of a directory that is
  // missing, read-only or full; kUnsupported for a ledger of a newer version; kInvalid for a file that is no ledger;
  // kCorrupt for a damaged one.
  static Result<Ledger> open(const LedgerOptions& options);

  // What was remembered before open(). Call before the first apply().
  Result<LedgerState> load(const LoadOptions& options);

  // All records in one transaction: durable when this returns. Errors: kInvalid for a record whose seq is not the next
  // one, and as apply_record() says, with the seq. The ledger must then not be written any more (see forbid_writing()):
  // after a failed fsync nobody knows what is on the disk.
  Status apply(std::span<const LedgerRecord> records);

  // Keeps the write-ahead log small; cheap where there is little to do. An error counts like one of apply().
  Status tidy();

  // Nothing is written any more, until the next open().
  Status forbid_writing() { return database_.forbid_writing(); }

  // Notes that pmend ended in order, and makes that durable. Nothing may be applied after it.
  Status close();

  // A connection for queries.
  Result<LedgerReader> open_reader() const { return LedgerReader::open(path_); }

 private:
  Ledger(ledger::StateLock lock, std::string path, ledger::Sqlite database);
  Status start(const std::string& boot_id);

  ledger::StateLock lock_;
  std::string path_;
  ledger::Sqlite database_;  // before the lock is dropped
  std::uint64_t last_seq_ = 0;
  bool clean_shutdown_ = true;
  std::string previous_boot_id_;
};

}  // namespace pmend
