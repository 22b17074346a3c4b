// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/rule.hpp"

#include "pmend/base/text.hpp"
#include "pmend/model/json_fields.hpp"

#include <algorithm>

namespace pmend {

std::string Rule::where() const {
  return escape_bytes(file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

bool names_flag(const Rule& rule, FlagKey key) {
  bool found = false;
  visit_each(rule.when, [&](const When& when) {
    found = found || std::any_of(when.flags.begin(), when.flags.end(),
                                 [&](const FlagCondition& condition) { return condition.key == key; });
  });
  return found;
}

Json to_json(const Then& then) {
  FieldWriter out;
  out("action", then.action);
  out("methods", then.methods);
  out("restore", then.restore);
  if (!then.notify.empty()) {
    out("notify", then.notify);
  }
  out.raw("priority", Json(then.priority));
  return out.take();
}

Json to_json(const Rule& rule) {
  FieldWriter out;
  out("name", rule.name);
  out.raw("when", to_json(rule.when));
  out.raw("then", to_json(rule.then));
  return out.take();
}

Json to_json(const PolicyLimits& limits) {
  FieldWriter out;
  out("repairs_per_hour", limits.repairs_per_hour);
  out("lost_bytes_per_day", limits.lost_bytes_per_day);
  out("open_incidents_per_device", limits.open_incidents_per_device);
  out("storm_incidents_per_hour", limits.storm_incidents_per_hour);
  return out.take();
}

}  // namespace pmend
