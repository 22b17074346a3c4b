// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/ledger.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/ledger/apply.hpp"
#include "pmend/ledger/schema.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace pmend {

using ledger::Sqlite;
using ledger::SqlRow;
using ledger::StateLock;

namespace {

// Of 4 KiB. SQLite's own default; a record takes about ten.
constexpr int kMaxLogPages = 1000;

Result<bool> exists(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) {
    return true;
  }
  return errno == ENOENT ? Result<bool>(false) : Result<bool>(fail_errno("lstat " + path));
}

Status remove_if_there(const std::string& path) {
  if (unlink(path.c_str()) < 0 && errno != ENOENT) {
    return fail_errno("unlink " + path);
  }
  return {};
}

Status sync_directory(const std::string& path) {
  const auto directory = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!directory) {
    return tl::make_unexpected(directory.error());
  }
  return fsync(directory->get()) == 0 ? Status() : Status(fail_errno("fsync " + path));
}

// An empty ledger at `path`, durable when this returns. It is finished before the connection is closed.
Status fill(const std::string& path) {
  // SQLite gives its other files the mode of this one.
  if (const auto file = open_file(path, O_RDWR | O_CREAT | O_EXCL); !file) {
    return tl::make_unexpected(file.error());
  }
  auto database = Sqlite::open(path, Sqlite::Access::kReadWrite);
  if (!database) {
    return tl::make_unexpected(database.error());
  }
  if (Status configured = ledger::configure(*database); !configured) {
    return configured;
  }
  // Nothing to roll back to: where this fails the file is thrown away.
  if (Status unjournalled = database->run("PRAGMA journal_mode = MEMORY"); !unjournalled) {
    return unjournalled;
  }
  if (Status created = ledger::create_schema(*database); !created) {
    return created;
  }
  const auto mode = database->text("PRAGMA journal_mode = WAL");
  if (!mode) {
    return tl::make_unexpected(mode.error());
  }
  return *mode == "wal" ? Status() : Status(fail(Errc::kUnsupported, "no write-ahead log, but mode " + *mode));
}

// The ledger gets its name when it is complete, so that one that is empty or half made is known as damaged.
Status create(const std::string& state_dir, const std::string& path) {
  for (const char* suffix : {"-wal", "-journal"}) {
    const auto there = exists(path + suffix);
    if (!there) {
      return tl::make_unexpected(there.error());
    }
    if (*there) {
      return fail(Errc::kCorrupt, path + " is missing, but its " + (suffix + 1) + " file is there");
    }
  }
  const std::string unfinished = path + ".new";
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    if (Status removed = remove_if_there(unfinished + suffix); !removed) {
      return removed;
    }
  }
  if (Status filled = fill(unfinished); !filled) {
    return wrap(filled.error(), "create " + path);
  }
  if (rename(unfinished.c_str(), path.c_str()) < 0) {
    return fail_errno("rename " + unfinished);
  }
  return sync_directory(state_dir);
}

// The file is there and we may write it: errors that SQLite tells of less clearly.
Status check_file(const std::string& path) {
  const auto file = open_file(path, O_RDWR);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  struct stat status {};
  if (fstat(file->get(), &status) < 0) {
    return fail_errno("fstat " + path);
  }
  if (!S_ISREG(status.st_mode) || status.st_size == 0) {
    return fail(Errc::kCorrupt, path + " is empty or no regular file");
  }
  return {};
}

// Pages are looked at only where there is a reason to doubt them: it reads the whole file.
Status check_pages(Sqlite& database) {
  const auto answer = database.text("PRAGMA quick_check(1)");
  if (!answer) {
    return tl::make_unexpected(answer.error());
  }
  return *answer == "ok" ? Status() : Status(fail(Errc::kCorrupt, *answer));
}

}  // namespace

Ledger::Ledger(StateLock lock, std::string path, Sqlite database)
    : lock_(std::move(lock)), path_(std::move(path)), database_(std::move(database)) {}

Result<Ledger> Ledger::open(const LedgerOptions& options) {
  auto lock = StateLock::take(options.state_dir);
  if (!lock) {
    return tl::make_unexpected(lock.error());
  }
  const std::string path = options.state_dir + "/ledger.db";
  const auto there = exists(path);
  if (!there) {
    return tl::make_unexpected(there.error());
  }
  Status ready = *there ? check_file(path) : create(options.state_dir, path);
  if (!ready) {
    return tl::make_unexpected(ready.error());
  }
  auto database = Sqlite::open(path, Sqlite::Access::kReadWrite);
  if (!database) {
    return wrap(database.error(), path);
  }
  Ledger opened(std::move(*lock), path, std::move(*database));
  if (Status started = opened.start(options.boot_id); !started) {
    return wrap(started.error(), path);
  }
  return opened;
}

Status Ledger::start(const std::string& boot_id) {
  if (Status configured = ledger::configure(database_); !configured) {
    return configured;
  }
  if (Status upgraded = ledger::upgrade_schema(database_); !upgraded) {
    return upgraded;
  }
  if (Status verified = ledger::verify_schema(database_); !verified) {
    return verified;
  }
  Status read = database_.each("SELECT last_seq, clean, boot_id FROM meta", {}, [&](SqlRow& row) -> Status {
    last_seq_ = row.number(0);
    clean_shutdown_ = row.number(1) != 0;
    previous_boot_id_ = row.text(2);
    return {};
  });
  if (!read) {
    return read;
  }
  if (!clean_shutdown_) {
    if (Status whole = check_pages(database_); !whole) {
      return whole;
    }
  }
  return database_.run_one("UPDATE meta SET clean = 0, boot_id = ?", {boot_id}, "meta is empty");
}

Result<LedgerState> Ledger::load(const LoadOptions& options) {
  auto reader = open_reader();
  if (!reader) {
    return tl::make_unexpected(reader.error());
  }
  auto state = reader->load(options);
  if (state) {
    state->clean_shutdown = clean_shutdown_;
    state->previous_boot_id = previous_boot_id_;
  }
  return state;
}

Status Ledger::apply(std::span<const LedgerRecord> records) {
  std::uint64_t seq = last_seq_;
  const auto apply_all = [&]() -> Status {
    for (const LedgerRecord& record : records) {
      const std::string name = "record " + std::to_string(record.seq);
      if (record.seq != seq + 1) {
        return fail(Errc::kInvalid, name + " after " + std::to_string(seq));
      }
      if (Status applied = ledger::apply_record(database_, record); !applied) {
        return wrap(applied.error(), name);
      }
      seq = record.seq;
    }
    return {};
  };
  Status done = database_.transaction(apply_all);
  if (!done) {
    return wrap(done.error(), path_);
  }
  last_seq_ = seq;
  return {};
}

Status Ledger::tidy() {
  if (database_.wal_pages() < kMaxLogPages) {
    return {};
  }
  Status done = database_.checkpoint();
  return done ? done : wrap(done.error(), path_ + ": checkpoint");
}

Status Ledger::close() {
  if (Status noted = database_.run_one("UPDATE meta SET clean = 1", {}, "meta is empty"); !noted) {
    return wrap(noted.error(), path_);
  }
  Status done = database_.checkpoint();
  return done ? done : wrap(done.error(), path_ + ": checkpoint");
}

}  // namespace pmend
