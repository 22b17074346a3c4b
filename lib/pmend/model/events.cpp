// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/events.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend::protocol {

template <class Fields, ConstOr<DeviceGone> T>
void describe(Fields& field, T& gone) {
  field("device", gone.device);
  field("device_id", gone.device_id);
}
Json to_json(const DeviceGone& gone) {
  return write_fields(gone);
}
void read_json(const JsonReader& in, DeviceGone& gone) {
  read_fields(in, gone);
}

template <class Fields, ConstOr<Gap> T>
void describe(Fields& field, T& gap) {
  field("source", gap.source);
  field("why", gap.why);
  field("device", gap.device);
}
Json to_json(const Gap& gap) {
  return write_fields(gap);
}
void read_json(const JsonReader& in, Gap& gap) {
  read_fields(in, gap);
}

template <class Fields, ConstOr<Notice> T>
void describe(Fields& field, T& notice) {
  field("source", notice.source);
  field("text", notice.text);
}
Json to_json(const Notice& notice) {
  return write_fields(notice);
}
void read_json(const JsonReader& in, Notice& notice) {
  read_fields(in, notice);
}

}  // namespace pmend::protocol
