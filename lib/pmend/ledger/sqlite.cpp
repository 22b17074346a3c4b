// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/sqlite.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <sqlite3.h>

#include <cerrno>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace pmend::ledger {
namespace {

std::error_code from_errno(int number) {
  return {number, std::system_category()};
}

// What a primary result code of SQLite means to us; sqlite.org/rescode.html.
std::error_code code_of(int result) {
  switch (result) {
    case SQLITE_FULL:
      return from_errno(ENOSPC);
    case SQLITE_IOERR:
      return from_errno(EIO);
    case SQLITE_READONLY:
      return from_errno(EROFS);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return from_errno(EACCES);
    case SQLITE_NOMEM:
      return from_errno(ENOMEM);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return make_error_code(Errc::kRefused);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return make_error_code(Errc::kCorrupt);
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return make_error_code(Errc::kInvalid);
    default:
      return make_error_code(Errc::kInternal);
  }
}

tl::unexpected<Error> fail_sqlite(const SQLite::Exception& exception) {
  const int result = exception.getExtendedErrorCode();
  return tl::make_unexpected(
      Error{code_of(result & 0xff), std::string(exception.what()) + " (SQLite result " + std::to_string(result) + ")"});
}

int remember_pages(void* pages, sqlite3* /*database*/, const char* /*schema*/, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

struct Binder {
  SQLite::Statement& statement;
  int index;

  Status operator()(std::monostate) const {
    statement.bind(index);
    return {};
  }
  Status operator()(std::uint64_t number) const {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return fail(Errc::kInvalid, std::to_string(number) + " does not fit into the ledger");
    }
    statement.bind(index, static_cast<std::int64_t>(number));
    return {};
  }
  Status operator()(const std::string& text) const {
    statement.bind(index, text);
    return {};
  }
};

// A statement that is in use: reset when left, so that it holds no lock.
class Running {
 public:
  explicit Running(SQLite::Statement& statement) : statement_(statement) {}
  Running(Running&&) = delete;
  Running& operator=(Running&&) = delete;
  // The result only repeats the error of the last step, which was reported.
  ~Running() { (void)statement_.tryReset(); }

  Status bind(const SqlValues& values) {
    statement_.clearBindings();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (Status bound = std::visit(Binder{statement_, static_cast<int>(i) + 1}, values[i]); !bound) {
        return bound;
      }
    }
    return {};
  }

 private:
  SQLite::Statement& statement_;
};

template <class T>
Result<T> only_value(Sqlite& database, std::string_view sql, T (SqlRow::*read)(int)) {
  std::optional<T> value;
  Status done = database.each(sql, {}, [&](SqlRow& row) {
    value = (row.*read)(0);
    return Status();
  });
  if (!done) {
    return tl::make_unexpected(done.error());
  }
  if (!value) {
    return fail(Errc::kCorrupt, "no row: " + std::string(sql));
  }
  return *value;
}

}  // namespace

std::uint64_t SqlRow::number(int column) {
  const SQLite::Column value = statement_->getColumn(column);
  if (!value.isInteger() || value.getInt64() < 0) {
    problem_ = std::string("column ") + value.getName() + " is not a number";
    return 0;
  }
  return static_cast<std::uint64_t>(value.getInt64());
}

std::string SqlRow::text(int column) {
  const SQLite::Column value = statement_->getColumn(column);
  if (!value.isText()) {
    problem_ = std::string("column ") + value.getName() + " is not text";
    return {};
  }
  return value.getString();
}

std::string SqlRow::printed(int column) const {
  return statement_->getColumn(column).getString();
}

struct Sqlite::Connection {
  Connection(const std::string& path, int flags) : database(path, flags) {}

  SQLite::Statement& prepared(std::string_view sql) {
    auto found = statements.find(sql);
    if (found == statements.end()) {
      found = statements.try_emplace(std::string(sql), database, std::string(sql)).first;
    }
    return found->second;
  }

  SQLite::Database database;
  std::map<std::string, SQLite::Statement, std::less<>> statements;  // closed before the database
  int wal_pages = 0;
};

Sqlite::Sqlite(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Sqlite::Sqlite(Sqlite&& other) noexcept = default;
Sqlite& Sqlite::operator=(Sqlite&& other) noexcept = default;
Sqlite::~Sqlite() = default;

Result<Sqlite> Sqlite::open(const std::string& path, Access access) {
  try {
    const int flags = access == Access::kReadWrite ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY;
    auto connection = std::make_unique<Connection>(path, flags);
    // Replaces SQLite's own hook, which would checkpoint and swallow the error.
    sqlite3_wal_hook(connection->database.getHandle(), remember_pages, &connection->wal_pages);
    return Sqlite(std::move(connection));
  } catch (const SQLite::Exception& exception) {
    return fail_sqlite(exception);
  }
}

Status Sqlite::each(std::string_view sql, const SqlValues& values, const OnRow& on_row) {
  try {
    SQLite::Statement& statement = connection_->prepared(sql);
    Running running(statement);
    Status result = running.bind(values);
    while (result && statement.executeStep()) {
      SqlRow row(statement);
      result = on_row(row);
      if (!row.problem().empty()) {
        return fail(Errc::kCorrupt, row.problem());
      }
    }
    return result;
  } catch (const SQLite::Exception& exception) {
    return fail_sqlite(exception);
  }
}

Status Sqlite::run(std::string_view sql, const SqlValues& values) {
  return each(sql, values, [](SqlRow&) { return Status(); });
}

Status Sqlite::run_one(std::string_view sql, const SqlValues& values, std::string_view otherwise) {
  if (Status ran = run(sql, values); !ran) {
    return ran;
  }
  if (connection_->database.getChanges() != 1) {
    return fail(Errc::kInvalid, std::string(otherwise));
  }
  return {};
}

Result<std::uint64_t> Sqlite::number(std::string_view sql) {
  return only_value(*this, sql, &SqlRow::number);
}

Result<std::string> Sqlite::text(std::string_view sql) {
  return only_value(*this, sql, &SqlRow::text);
}

Status Sqlite::transaction(const std::function<Status()>& body) {
  if (Status begun = run("BEGIN IMMEDIATE"); !begun) {
    return begun;
  }
  Status done = body();
  if (done) {
    done = run("COMMIT");
  }
  if (!done) {
    // Where SQLite has taken it back by itself this fails, and there is nothing left to do.
    (void)run("ROLLBACK");
  }
  return done;
}

int Sqlite::wal_pages() const {
  return connection_->wal_pages;
}

Status Sqlite::checkpoint() {
  // The row says how much a reader kept in the log: it gets there the next time.
  Status done = run("PRAGMA wal_checkpoint(TRUNCATE)");
  if (done) {
    connection_->wal_pages = 0;
  }
  return done;
}

Status Sqlite::forbid_writing() {
  const int result = sqlite3_db_config(connection_->database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (result != SQLITE_OK) {
    return fail(Errc::kInternal, "SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE");
  }
  return run("PRAGMA query_only = ON");
}

}  // namespace pmend::ledger
