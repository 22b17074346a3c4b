// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/incident.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<MediumPlace> T>
void describe(Fields& field, T& place) {
  field("region", place.region);
  field("physical", place.physical);
  field("dimms", place.dimms);
}
Json to_json(const MediumPlace& place) {
  return write_fields(place);
}
void read_json(const JsonReader& in, MediumPlace& place) {
  read_fields(in, place);
}

template <class Fields, ConstOr<Recurrence> T>
void describe(Fields& field, T& recurrence) {
  field("repairs", recurrence.repairs);
  field("last", recurrence.last);
}
Json to_json(const Recurrence& recurrence) {
  return write_fields(recurrence);
}
void read_json(const JsonReader& in, Recurrence& recurrence) {
  read_fields(in, recurrence);
}

template <class Fields, ConstOr<EarlierRepair> T>
void describe(Fields& field, T& repair) {
  field("incident", repair.incident);
  field.range("offset", "length", repair.device_range);
  field("first_seen", repair.first_seen);
  field("repaired", repair.repaired);
  field("outcome", repair.outcome);
  field("method", repair.method);
  field("bytes_lost", repair.bytes_lost);
}
Json to_json(const EarlierRepair& repair) {
  return write_fields(repair);
}
void read_json(const JsonReader& in, EarlierRepair& repair) {
  read_fields(in, repair);
}

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
  field("medium", incident.medium);
  field("recurrence", incident.recurrence);
  field.unless_default("earlier", incident.earlier);
  field.check([&](const JsonReader& in) {
    if (incident.earlier.empty() && JsonObjectReader(in).has("earlier")) {
      in.problem("earlier is empty, expected to be left out then");
    }
  });
}
Json to_json(const Incident& incident) {
  return write_fields(incident);
}
void read_json(const JsonReader& in, Incident& incident) {
  read_fields(in, incident);
}

}  // namespace pmend
