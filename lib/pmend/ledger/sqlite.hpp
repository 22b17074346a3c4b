// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace SQLite {
class Statement;
}

namespace pmend::ledger {

// What is bound to a `?`: NULL, a number up to 2^63 - 1, or text.
using SqlValue = std::variant<std::monostate, std::uint64_t, std::string>;
using SqlValues = std::vector<SqlValue>;

// One row of an answer; valid inside the callback only. A column of another type than asked for (which STRICT tables
// have only in a damaged file) is remembered and fails the query.
class SqlRow {
 public:
  explicit SqlRow(SQLite::Statement& statement) : statement_(&statement) {}

  std::uint64_t number(int column);
  std::string text(int column);
  // Numbers in decimal, text as it is.
  std::string printed(int column) const;

  // "column NAME is not a number", empty if all was as asked for.
  const std::string& problem() const { return problem_; }

 private:
  SQLite::Statement* statement_;
  std::string problem_;
};

// One connection to one existing SQLite file, used by one thread at a time. This is the only code that knows SQLiteCpp;
// its exceptions end here.
//
// Errors of all functions: ENOSPC full, EIO, EROFS, EACCES, ENOMEM as errno; kRefused while another program holds the
// database; kCorrupt for a damaged file; kInvalid for a broken constraint or a number past 2^63 - 1; kInternal else.
class Sqlite {
 public:
  enum class Access { kReadWrite, kReadOnly };
  static Result<Sqlite> open(const std::string& path, Access access);

  Sqlite(Sqlite&& other) noexcept;
  Sqlite& operator=(Sqlite&& other) noexcept;
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;
  ~Sqlite();

  // Rows that the statement gives are ignored. Statements are prepared once and kept.
  Status run(std::string_view sql, const SqlValues& values = {});
  // The same for a statement that has to change exactly one row. Errors also: kInvalid with `otherwise`.
  Status run_one(std::string_view sql, const SqlValues& values, std::string_view otherwise);
  // Calls `row` for each row; its first error ends the query and is returned. Not to be nested with the same `sql`.
  using OnRow = std::function<Status(SqlRow&)>;
  Status each(std::string_view sql, const SqlValues& values, const OnRow& row);
  // The first column of the only row. Errors also: kCorrupt if there is none.
  Result<std::uint64_t> number(std::string_view sql);
  Result<std::string> text(std::string_view sql);

  // Runs `body` in one transaction, which is taken back if `body` or the commit fails.
  Status transaction(const std::function<Status()>& body);

  // Pages in the write-ahead log after the last commit of this connection. It is never emptied automatically, because
  // SQLite does not report errors of that: see checkpoint().
  int wal_pages() const;
  // Moves what the write-ahead log holds into the database file, fsyncs it and empties the log, as far as readers
  // allow.
  Status checkpoint();
  // From now on nothing is written any more, not even when the connection closes.
  Status forbid_writing();

 private:
  struct Connection;
  explicit Sqlite(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace pmend::ledger
