// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/apply.hpp"

#include "pmend/ledger/row.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace pmend::ledger {
namespace {

template <class Tag>
SqlValue optional_id(const std::optional<Id<Tag>>& id) {
  return id ? SqlValue(id->value) : SqlValue();
}

// The step as it was before anybody knew how it ends.
StepIntent intent_of(Step step) {
  step.outcome.reset();
  step.reason.clear();
  return {std::move(step)};
}

// One operator per kind of change. `seq` is that of the record.
class Applier {
 public:
  Applier(Sqlite& database, std::uint64_t seq) : database_(database), seq_(seq) {}

  Status operator()(const PutIncident& change) {
    const Incident& incident = change.incident;
    Status stored = put(
        "INSERT INTO incidents VALUES (?2, ?3, ?4, ?5, ?6, ?1) ON CONFLICT DO UPDATE SET state = ?3, finished = ?4, "
        "device_id = ?5, seq = ?6, json = ?1",
        change,
        {incident.id.value, std::string(to_string(incident.state)), std::uint64_t{is_finished(incident.state)},
         incident.device_id, seq_});
    if (!stored) {
      return stored;
    }
    if (Status kept = keep_repair(change); !kept) {
      return kept;
    }
    return database_.run("UPDATE meta SET next_incident = max(next_incident, ? + 1)", {incident.id.value});
  }

  Status operator()(const PutMediaErrors& change) {
    return put("INSERT INTO media_errors VALUES (?2, ?3, ?1) ON CONFLICT DO UPDATE SET json = ?1", change,
               {change.list.device_id, change.list.source});
  }

  Status operator()(const PutPlan& change) {
    const SqlValues key = {change.incident.value, change.hash};
    if (Status dropped = database_.run("DELETE FROM approvals WHERE incident = ? AND plan_hash <> ?", key); !dropped) {
      return dropped;
    }
    Status forgot = database_.run(
        "DELETE FROM plans WHERE incident = ? AND hash <> ? AND NOT EXISTS "
        "(SELECT 1 FROM jobs WHERE jobs.incident = plans.incident AND jobs.plan_hash = plans.hash)",
        key);
    if (!forgot) {
      return forgot;
    }
    return put("INSERT INTO plans VALUES (?2, ?3, ?4, ?1) ON CONFLICT DO UPDATE SET seq = ?4, json = ?1", change,
               {change.incident.value, change.hash, seq_});
  }

  Status operator()(const PutDecision& change) {
    return put("INSERT INTO decisions VALUES (?2, ?1) ON CONFLICT DO UPDATE SET json = ?1", change,
               {change.incident.value});
  }

  Status operator()(const PutApproval& change) {
    return put_one(
        "INSERT INTO approvals SELECT ?2, ?3, ?1 WHERE ?3 = "
        "(SELECT hash FROM plans WHERE incident = ?2 ORDER BY seq DESC LIMIT 1) "
        "ON CONFLICT DO UPDATE SET plan_hash = ?3, json = ?1",
        change, {change.incident.value, change.approval.plan_hash}, "the approved plan is not the current one");
  }

  Status operator()(const DropApproval& change) {
    return database_.run("DELETE FROM approvals WHERE incident = ?", {change.incident.value});
  }

  Status operator()(const BeginJob& change) {
    Status begun = put("INSERT INTO jobs VALUES (?2, ?3, ?4, ?5, ?1, NULL)", change,
                       {change.job.value, change.incident.value, change.plan_hash, to_rfc3339(change.when)});
    if (!begun) {
      return begun;
    }
    return database_.run("UPDATE meta SET next_job = max(next_job, ? + 1)", {change.job.value});
  }

  Status operator()(const StepIntent& change) {
    return put_one(
        "INSERT INTO steps SELECT ?2, ?3, ?1, NULL WHERE EXISTS (SELECT 1 FROM jobs WHERE id = ?2 AND end_json IS "
        "NULL) "
        "ON CONFLICT DO UPDATE SET intent_json = ?1 WHERE intent_json = ?1 AND outcome_json IS NULL",
        intent_of(change.step), {change.step.job.value, change.step.index},
        "the job is not running, or its step is another one");
  }

  Status operator()(const StepOutcome& change) {
    const auto intent = to_row(intent_of(change.step));
    if (!intent) {
      return tl::make_unexpected(intent.error());
    }
    return put_one(
        "UPDATE steps SET outcome_json = ?1 WHERE job = ?2 AND step = ?3 AND intent_json = ?4 AND outcome_json IS NULL",
        change, {change.step.job.value, change.step.index, *intent}, "no open intent of this step");
  }

  Status operator()(const EndJob& change) {
    return put_one("UPDATE jobs SET end_json = ?1 WHERE id = ?2 AND end_json IS NULL", change, {change.job.value},
                   "the job is not running");
  }

  Status operator()(const PutReport& change) {
    return put("INSERT INTO reports (json, incident, job) VALUES (?1, ?2, ?3)", change,
               {change.report.incident.id.value, optional_id(change.job)});
  }

  Status operator()(const PutDevice& change) {
    return put("INSERT INTO devices VALUES (?2, ?1) ON CONFLICT DO UPDATE SET json = ?1", change, {change.device_id});
  }

  Status operator()(const SetPaused& change) {
    return database_.run("UPDATE meta SET paused = ?", {std::uint64_t{change.paused}});
  }

  Status operator()(const Audit& change) {
    return put("INSERT INTO history (json, seq, incident) VALUES (?1, ?2, ?3)", change,
               {seq_, optional_id(change.incident)});
  }

 private:
  // A proven repair is remembered apart, for errors that come back to its place.
  Status keep_repair(const PutIncident& change) {
    const Incident& incident = change.incident;
    if (incident.state != IncidentState::kRepaired) {
      return {};
    }
    const auto proven = change.memory.proven.value_or(incident.first_seen).time_since_epoch();
    return database_.run(
        "INSERT INTO repairs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET device_id = ?2, first = ?3, "
        "length = ?4, proven = ?5, repairs = ?6, seen = ?7",
        {incident.id.value, incident.device_id, incident.device_range.offset, incident.device_range.length,
         static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(proven).count()),
         change.memory.repairs + 1, incident.seen});
  }

  // `sql` has the change's JSON as ?1 and `values` from ?2 on.
  template <class T>
  Status put(std::string_view sql, const T& change, SqlValues values) {
    auto text = to_row(change);
    if (!text) {
      return tl::make_unexpected(text.error());
    }
    values.insert(values.begin(), std::move(*text));
    return database_.run(sql, values);
  }

  // The same where exactly one row has to change.
  template <class T>
  Status put_one(std::string_view sql, const T& change, SqlValues values, std::string_view otherwise) {
    auto text = to_row(change);
    if (!text) {
      return tl::make_unexpected(text.error());
    }
    values.insert(values.begin(), std::move(*text));
    return database_.run_one(sql, values, otherwise);
  }

  Sqlite& database_;
  std::uint64_t seq_;
};

// The change as it will be read back. What breaks the rules of its own JSON form is found here, not at the next start.
Result<LedgerChange> as_read_back(const LedgerChange& change) {
  return from_json<LedgerChange>(to_json(change));
}

}  // namespace

Status apply_record(Sqlite& database, const LedgerRecord& record) {
  for (const LedgerChange& change : record.changes) {
    const auto kept = as_read_back(change);
    Status applied =
        kept ? std::visit(Applier(database, record.seq), *kept) : Status(tl::make_unexpected(kept.error()));
    if (!applied) {
      return wrap(applied.error(), name_of(change));
    }
  }
  return database.run("UPDATE meta SET last_seq = ?", {record.seq});
}

}  // namespace pmend::ledger
