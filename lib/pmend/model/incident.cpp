// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/incident.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<Incident> T>
void describe(Fields& field, T& incident) {
  field("id", incident.id);
  field("state", incident.state);
  field("device", incident.device);
  field("device_id", incident.device_id);
  field.range("offset", "length", incident.device_range);
  field("sources", incident.sources);
  field("first_seen", incident.first_seen);
  field("seen", incident.seen);
  field("owners", incident.owners);
  field.nullable("plan", incident.plan);
  field.nullable("decision", incident.decision);
  field.nullable("job", incident.job);
  field.nullable("outcome", incident.outcome);
  field("reason", incident.reason);
}
Json to_json(const Incident& incident) {
  return write_fields(incident);
}
void read_json(const JsonReader& in, Incident& incident) {
  read_fields(in, incident);
}

}  // namespace pmend
