// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/reader.hpp"

#include "pmend/ledger/rows.hpp"
#include "pmend/ledger/schema.hpp"

#include <algorithm>
#include <utility>

namespace pmend {

using ledger::Rows;
using ledger::Sqlite;
using ledger::SqlRow;
using ledger::SqlValue;
using ledger::SqlValues;

namespace {

// What has to be looked at first comes first.
int urgency(const LedgerJob& job) {
  if (job.open_intent() != nullptr) {
    return 0;
  }
  return job.end ? 2 : 1;
}

void read_incidents(Rows& rows, const LoadOptions& options, LedgerState& state) {
  rows.read("incident", "SELECT id, json FROM incidents WHERE finished = 0", {}, state.incidents);
  rows.read("incident", "SELECT id, json FROM incidents WHERE finished = 1 ORDER BY seq DESC LIMIT ?",
            {std::uint64_t{options.finished_limit}}, state.incidents);
  std::sort(state.incidents.begin(), state.incidents.end(),
            [](const auto& a, const auto& b) { return a.incident.id < b.incident.id; });
  rows.read("plan of incident",
            "SELECT incident || ' ' || hash, json FROM plans "
            "WHERE incident IN (SELECT id FROM incidents WHERE finished = 0) ORDER BY incident, seq",
            {}, state.plans);
  rows.read("approval of incident",
            "SELECT incident || ' ' || plan_hash, json FROM approvals "
            "WHERE incident IN (SELECT id FROM incidents WHERE finished = 0) ORDER BY incident",
            {}, state.approvals);
}

void read_jobs(Rows& rows, const LoadOptions& options, LedgerState& state) {
  // No time is later than "~".
  const std::string since = options.jobs_since ? to_rfc3339(*options.jobs_since) : "~";
  rows.read_jobs("end_json IS NULL OR id IN (SELECT job FROM steps WHERE outcome_json IS NULL) OR began >= ?", {since},
                 state.jobs);
  std::stable_sort(state.jobs.begin(), state.jobs.end(),
                   [](const LedgerJob& a, const LedgerJob& b) { return urgency(a) < urgency(b); });
}

void read_devices(Rows& rows, LedgerState& state) {
  rows.read("device", "SELECT device_id, json FROM devices ORDER BY device_id", {}, state.devices);
  rows.read("media errors of", "SELECT device_id || ' ' || source, json FROM media_errors ORDER BY device_id, source",
            {}, state.media_errors);
}

WallTime to_time(std::uint64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

Status append_past(SqlRow& row, std::vector<PastRepairsOfDevice>& out) {
  std::string device_id = row.text(0);
  const auto range = make_byte_range(row.number(1), row.number(2));
  if (!range || range->empty()) {
    return fail(Errc::kCorrupt, "repair on " + device_id + " has no range");
  }
  if (out.empty() || out.back().device_id != device_id) {
    out.push_back({std::move(device_id), {}});
  }
  out.back().repairs.push_back({*range, to_time(row.number(3)), row.number(4), row.number(5)});
  return {};
}

Status append_earlier(SqlRow& row, std::vector<EarlierRepair>& out) {
  const IncidentId id{row.number(0)};
  const auto put = ledger::from_row<ledger::PutIncident>(row.text(2));
  if (!put) {
    return wrap(put.error(), "incident " + std::to_string(id.value));
  }
  EarlierRepair repair;
  repair.incident = id;
  repair.device_range = put->incident.device_range;
  repair.first_seen = put->incident.first_seen;
  repair.repaired = to_time(row.number(1));
  repair.outcome = put->incident.outcome;
  if (put->incident.plan) {
    repair.method = put->incident.plan->method;
    repair.bytes_lost = put->incident.plan->bytes_lost;
  }
  out.push_back(repair);
  return {};
}

// One more than asked for tells whether there are more.
IncidentPage page_of(std::vector<ledger::PutIncident>&& found, IncidentId after, std::size_t limit) {
  IncidentPage page;
  if (found.size() > limit) {
    found.pop_back();
    page.next = found.empty() ? after : found.back().incident.id;
  }
  for (ledger::PutIncident& put : found) {
    page.incidents.push_back(std::move(put.incident));
  }
  return page;
}

// The ids are chosen from an index alone, so that the incidents that are not wanted are not read.
std::string list_sql(const IncidentFilter& filter) {
  std::string ids = "SELECT id FROM incidents";
  if (filter.device_id) {
    ids += " INDEXED BY incidents_by_device WHERE device_id = ?2 AND";
  } else {
    ids += filter.states.empty() ? " WHERE" : " INDEXED BY incidents_by_state WHERE";
  }
  if (!filter.states.empty()) {
    ids += " state IN (";
    for (std::size_t i = 0; i < filter.states.size(); ++i) {
      ids += (i == 0 ? "?" : ", ?") + std::to_string(i + 4);
    }
    ids += ") AND";
  }
  return "SELECT id, json FROM incidents WHERE id IN (" + ids + " id > ?1 ORDER BY id LIMIT ?3) ORDER BY id";
}

SqlValues list_values(const IncidentFilter& filter, IncidentId after, std::size_t limit) {
  SqlValues values = {after.value, filter.device_id ? SqlValue(*filter.device_id) : SqlValue(), std::uint64_t{limit}};
  for (const IncidentState state : filter.states) {
    values.emplace_back(std::string(to_string(state)));
  }
  return values;
}

template <class T>
std::optional<T> only(std::vector<T>&& values) {
  return values.empty() ? std::nullopt : std::optional<T>(std::move(values.front()));
}

Status append_line(SqlRow& row, std::vector<HistoryLine>& out) {
  HistoryLine line{.number = row.number(0), .seq = row.number(1), .audit = {}};
  auto audit = ledger::from_row<ledger::Audit>(row.text(2));
  if (!audit) {
    return wrap(audit.error(), "history line " + std::to_string(line.number));
  }
  line.audit = std::move(*audit);
  out.push_back(std::move(line));
  return {};
}

}  // namespace

Result<LedgerReader> LedgerReader::open(const std::string& ledger_path) {
  auto database = Sqlite::open(ledger_path, Sqlite::Access::kReadOnly);
  if (!database) {
    return wrap(database.error(), ledger_path);
  }
  if (Status configured = ledger::configure(*database); !configured) {
    return wrap(configured.error(), ledger_path);
  }
  return LedgerReader(std::move(*database));
}

Status LedgerReader::load_meta(LedgerState& state) {
  return database_.each("SELECT last_seq, next_incident, next_job, paused FROM meta", {}, [&](SqlRow& row) -> Status {
    state.last_seq = row.number(0);
    state.next_incident.value = row.number(1);
    state.next_job.value = row.number(2);
    state.paused = row.number(3) != 0;
    return {};
  });
}

Result<LedgerState> LedgerReader::load(const LoadOptions& options) {
  LedgerState state;
  if (Status meta = load_meta(state); !meta) {
    return wrap(meta.error(), "ledger: meta");
  }
  Rows rows(database_);
  read_incidents(rows, options, state);
  read_jobs(rows, options, state);
  read_devices(rows, state);
  if (!rows.status()) {
    return wrap(rows.status().error(), "ledger");
  }
  Status past =
      database_.each("SELECT device_id, first, length, proven, repairs, seen FROM repairs ORDER BY device_id, first",
                     {}, [&](SqlRow& row) { return append_past(row, state.past); });
  if (!past) {
    return wrap(past.error(), "ledger");
  }
  return state;
}

Result<IncidentPage> LedgerReader::list(const IncidentFilter& filter, IncidentId after, std::size_t limit) {
  std::vector<ledger::PutIncident> found;
  Rows rows(database_);
  rows.read("incident", list_sql(filter), list_values(filter, after, limit + 1), found);
  if (!rows.status()) {
    return wrap(rows.status().error(), "ledger");
  }
  return page_of(std::move(found), after, limit);
}

Result<IncidentPage> LedgerReader::endangering(const std::string& device_id, IncidentId after, std::size_t limit) {
  std::vector<ledger::PutIncident> found;
  Rows rows(database_);
  rows.read("incident",
            "SELECT id, json FROM incidents WHERE id IN ("
            "SELECT id FROM incidents INDEXED BY incidents_by_seq WHERE finished = 0 AND device_id = ?1 AND id > ?2 "
            "UNION SELECT incident FROM repairs WHERE device_id = ?1 AND repairs > 1 AND incident > ?2 "
            "ORDER BY 1 LIMIT ?3) ORDER BY id",
            {device_id, after.value, std::uint64_t{limit + 1}}, found);
  if (!rows.status()) {
    return wrap(rows.status().error(), "ledger");
  }
  return page_of(std::move(found), after, limit);
}

Result<std::vector<EarlierRepair>> LedgerReader::earlier(const Place& place, std::size_t limit) {
  std::vector<EarlierRepair> repairs;
  // The longest one says how far before the place one can begin that overlaps it.
  Status read = database_.each(
      "SELECT repairs.incident, repairs.proven, incidents.json FROM repairs JOIN incidents ON incidents.id = incident "
      "WHERE repairs.device_id = ?1 AND first < ?3 AND first + repairs.length > ?2 AND incident < ?4 AND first > ?2 - "
      "(SELECT length FROM repairs WHERE device_id = ?1 ORDER BY length DESC LIMIT 1) ORDER BY incident DESC LIMIT ?5",
      {place.device_id, place.device_range.offset, place.device_range.end(), place.before.value, std::uint64_t{limit}},
      [&](SqlRow& row) { return append_earlier(row, repairs); });
  if (!read) {
    return wrap(read.error(), "ledger");
  }
  return repairs;
}

Result<std::optional<IncidentDetail>> LedgerReader::incident(IncidentId id) {
  std::vector<ledger::PutIncident> incidents;
  std::vector<ledger::PutPlan> plans;
  std::vector<ledger::PutDecision> decisions;
  std::vector<ledger::PutApproval> approvals;
  IncidentDetail detail;
  Rows rows(database_);
  rows.read("incident", "SELECT id, json FROM incidents WHERE id = ?", {id.value}, incidents);
  rows.read("plan of incident",
            "SELECT incident || ' ' || hash, json FROM plans WHERE incident = ? ORDER BY seq DESC LIMIT 1", {id.value},
            plans);
  rows.read("decision on incident", "SELECT incident, json FROM decisions WHERE incident = ?", {id.value}, decisions);
  rows.read("approval of incident", "SELECT incident || ' ' || plan_hash, json FROM approvals WHERE incident = ?",
            {id.value}, approvals);
  rows.read_jobs("incident = ?", {id.value}, detail.jobs);
  if (!rows.status()) {
    return wrap(rows.status().error(), "ledger");
  }
  if (incidents.empty()) {
    return std::nullopt;
  }
  detail.incident = std::move(incidents.front());
  detail.plan = only(std::move(plans));
  detail.decision = only(std::move(decisions));
  detail.approval = only(std::move(approvals));
  return detail;
}

Result<std::vector<HistoryLine>> LedgerReader::history(std::optional<IncidentId> incident, std::uint64_t after,
                                                       std::size_t limit) {
  std::vector<HistoryLine> lines;
  const auto append = [&](SqlRow& row) { return append_line(row, lines); };
  Status read =
      incident ? database_.each(
                     "SELECT number, seq, json FROM history WHERE incident = ? AND number > ? ORDER BY number LIMIT ?",
                     {incident->value, after, std::uint64_t{limit}}, append)
               : database_.each("SELECT number, seq, json FROM history WHERE number > ? ORDER BY number LIMIT ?",
                                {after, std::uint64_t{limit}}, append);
  if (!read) {
    return wrap(read.error(), "ledger");
  }
  return lines;
}

Result<std::vector<ledger::PutReport>> LedgerReader::reports(IncidentId incident) {
  std::vector<ledger::PutReport> reports;
  Rows rows(database_);
  rows.read("report of incident", "SELECT incident, json FROM reports WHERE incident = ? ORDER BY number",
            {incident.value}, reports);
  if (!rows.status()) {
    return wrap(rows.status().error(), "ledger");
  }
  return reports;
}

}  // namespace pmend
