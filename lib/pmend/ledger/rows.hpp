// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/ledger/row.hpp"
#include "pmend/ledger/sqlite.hpp"
#include "pmend/ledger/state.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pmend::ledger {

// What the first column of a query says of the row's value; it must agree with the JSON in the second.
std::string key_of(const PutIncident& put);     // id
std::string key_of(const PutMediaErrors& put);  // device_id || ' ' || source
std::string key_of(const PutPlan& put);         // incident || ' ' || hash
std::string key_of(const PutDecision& put);     // incident
std::string key_of(const PutApproval& put);     // incident || ' ' || plan_hash
std::string key_of(const BeginJob& begin);      // id
std::string key_of(const EndJob& end);          // id
std::string key_of(const StepIntent& intent);   // job || ' ' || step
std::string key_of(const StepOutcome& outcome);
std::string key_of(const PutReport& put);  // incident
std::string key_of(const PutDevice& put);  // device_id

// Reads values out of one database. The first error ends it: later calls do nothing, status() says what it was.
class Rows {
 public:
  explicit Rows(Sqlite& database) : database_(database) {}

  // Appends the values of `sql`, whose columns are the key and the JSON. Errors: kCorrupt, naming kind and key.
  template <class T>
  void read(std::string_view kind, std::string_view sql, const SqlValues& values, std::vector<T>& out) {
    if (status_) {
      status_ = database_.each(sql, values, [&](SqlRow& row) { return append(kind, row, out); });
    }
  }

  // Jobs with their ends and steps. `where` chooses from the table jobs; by id.
  void read_jobs(const std::string& where, const SqlValues& values, std::vector<LedgerJob>& out);

  const Status& status() const { return status_; }

 private:
  template <class T>
  static Status append(std::string_view kind, SqlRow& row, std::vector<T>& out) {
    const std::string key = row.printed(0);
    auto value = from_row<T>(row.text(1));
    if (value && key_of(*value) != key) {
      value = fail(Errc::kCorrupt, "is " + key_of(*value));
    }
    if (!value) {
      return wrap(value.error(), std::string(kind) + " " + key);
    }
    out.push_back(std::move(*value));
    return {};
  }

  void read_end_and_steps(LedgerJob& job);

  Sqlite& database_;
  Status status_;
};

}  // namespace pmend::ledger
