// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/decision.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<Decision> T>
void describe(Fields& field, T& decision) {
  field("action", decision.action);
  field("rule", decision.rule);
  field("reasons", decision.reasons);
}
Json to_json(const Decision& decision) {
  return write_fields(decision);
}
void read_json(const JsonReader& in, Decision& decision) {
  read_fields(in, decision);
}

template <class Fields, ConstOr<Approval> T>
void describe(Fields& field, T& approval) {
  field.sha256("plan_hash", approval.plan_hash);
  field("who", approval.who);
  field("when", approval.when);
}
Json to_json(const Approval& approval) {
  return write_fields(approval);
}
void read_json(const JsonReader& in, Approval& approval) {
  read_fields(in, approval);
}

}  // namespace pmend
