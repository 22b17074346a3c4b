// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/record.hpp"

#include "pmend/model/json_fields.hpp"
#include "pmend/model/range_list.hpp"

namespace pmend {
namespace ledger {

template <class Fields, ConstOr<IncidentMemory> T>
void describe(Fields& field, T& memory) {
  field("bad", memory.bad);
  field("attempts", memory.attempts);
  field("indeterminate", memory.indeterminate);
  field("repairs", memory.repairs);
  field.nullable("not_before", memory.not_before);
  field("proven", memory.proven);
  field.check([&](const JsonReader& in) {
    if (!are_apart_in_order(memory.bad)) {
      in.problem("bad ranges overlap or are out of order");
    }
  });
}
Json to_json(const IncidentMemory& memory) {
  return write_fields(memory);
}
void read_json(const JsonReader& in, IncidentMemory& memory) {
  read_fields(in, memory);
}

template <class Fields, ConstOr<PutIncident> T>
void describe(Fields& field, T& change) {
  field("incident", change.incident);
  field("memory", change.memory);
}
Json to_json(const PutIncident& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, PutIncident& change) {
  read_fields(in, change);
}

Json to_json(const PutMediaErrors& change) {
  return to_json(change.list);
}
void read_json(const JsonReader& in, PutMediaErrors& change) {
  read_json(in, change.list);
}

template <class Fields, ConstOr<PutPlan> T>
void describe(Fields& field, T& change) {
  field("incident", change.incident);
  field.sha256("hash", change.hash);
  field("basis", change.basis);
  field("plan", change.plan);
  field.check([&](const JsonReader& in) {
    if (change.hash != plan_hash(change.plan, change.basis)) {
      in.problem("hash is not that of the plan");
    }
  });
}
Json to_json(const PutPlan& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, PutPlan& change) {
  read_fields(in, change);
}

template <class Fields, ConstOr<PutDecision> T>
void describe(Fields& field, T& change) {
  field("incident", change.incident);
  field.sha256("plan_hash", change.plan_hash);
  field("when", change.when);
  field("decision", change.decision);
}
Json to_json(const PutDecision& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, PutDecision& change) {
  read_fields(in, change);
}

template <class Fields, ConstOr<PutApproval> T>
void describe(Fields& field, T& change) {
  field("incident", change.incident);
  field("approval", change.approval);
}
Json to_json(const PutApproval& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, PutApproval& change) {
  read_fields(in, change);
}

template <class Fields, ConstOr<DropApproval> T>
void describe(Fields& field, T& change) {
  field("incident", change.incident);
}
Json to_json(const DropApproval& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, DropApproval& change) {
  read_fields(in, change);
}

template <class Fields, ConstOr<BeginJob> T>
void describe(Fields& field, T& change) {
  field("job", change.job);
  field("incident", change.incident);
  field.sha256("plan_hash", change.plan_hash);
  field("attempt", change.attempt);
  field("bytes_lost", change.bytes_lost);
  field("spool_key", change.spool_key);
  field("when", change.when);
}
Json to_json(const BeginJob& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, BeginJob& change) {
  read_fields(in, change);
}

Json to_json(const StepIntent& change) {
  return to_json(change.step);
}
void read_json(const JsonReader& in, StepIntent& change) {
  read_json(in, change.step);
  if (change.step.outcome) {
    in.problem("an intent has no outcome");
  }
}

Json to_json(const StepOutcome& change) {
  return to_json(change.step);
}
void read_json(const JsonReader& in, StepOutcome& change) {
  read_json(in, change.step);
  if (!change.step.outcome) {
    in.problem("outcome is missing");
  }
}

template <class Fields, ConstOr<EndJob> T>
void describe(Fields& field, T& change) {
  field("job", change.job);
  field("outcome", change.outcome);
  field("reason", change.reason);
  field("when", change.when);
}
Json to_json(const EndJob& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, EndJob& change) {
  read_fields(in, change);
}

template <class Fields, ConstOr<PutReport> T>
void describe(Fields& field, T& change) {
  field.nullable("job", change.job);
  field("report", change.report);
}
Json to_json(const PutReport& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, PutReport& change) {
  read_fields(in, change);
}

template <class Fields, ConstOr<PutDevice> T>
void describe(Fields& field, T& change) {
  field("device_id", change.device_id);
  field("device", change.device);
  field("first_seen", change.first_seen);
  field("last_seen", change.last_seen);
  field("storm", change.storm);
  field("resumed", change.resumed);
}
Json to_json(const PutDevice& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, PutDevice& change) {
  read_fields(in, change);
}

template <class Fields, ConstOr<SetPaused> T>
void describe(Fields& field, T& change) {
  field("paused", change.paused);
}
Json to_json(const SetPaused& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, SetPaused& change) {
  read_fields(in, change);
}

template <class Fields, ConstOr<Audit> T>
void describe(Fields& field, T& change) {
  field("when", change.when);
  field("what", change.what);
  field("who", change.who);
  field.nullable("incident", change.incident);
  field.nullable("job", change.job);
  field("text", change.text);
}
Json to_json(const Audit& change) {
  return write_fields(change);
}
void read_json(const JsonReader& in, Audit& change) {
  read_fields(in, change);
}

namespace {

// True if `object` holds a change of kind T, which is then read.
template <class T>
bool read_as(JsonObjectReader& object, LedgerChange& change) {
  const auto member = object.optional(T::kName);
  if (member) {
    read_json(*member, change.emplace<T>());
  }
  return member.has_value();
}

template <class... Kinds>
int read_any(JsonObjectReader& object, std::variant<Kinds...>& change) {
  return (int{read_as<Kinds>(object, change)} + ...);
}

}  // namespace

Json to_json(const LedgerChange& change) {
  FieldWriter writer;
  std::visit([&](const auto& kind) { writer(kind.kName, kind); }, change);
  return writer.take();
}

void read_json(const JsonReader& in, LedgerChange& change) {
  JsonObjectReader object(in);
  if (read_any(object, change) != 1) {
    in.problem("expected exactly one kind of change");
  }
  object.finish();
}

}  // namespace ledger

bool is_finished(IncidentState state) {
  return state == IncidentState::kRepaired || state == IncidentState::kCleared;
}

const char* name_of(const LedgerChange& change) {
  return std::visit([](const auto& kind) { return kind.kName; }, change);
}

template <class Fields, ConstOr<LedgerRecord> T>
void describe(Fields& field, T& record) {
  field("seq", record.seq);
  field("changes", record.changes);
}
Json to_json(const LedgerRecord& record) {
  return write_fields(record);
}
void read_json(const JsonReader& in, LedgerRecord& record) {
  read_fields(in, record);
}

}  // namespace pmend
