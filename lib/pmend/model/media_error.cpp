// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/media_error.hpp"

#include "pmend/model/json_fields.hpp"
#include "pmend/model/range_list.hpp"

namespace pmend {

template <class Fields, ConstOr<MediaError> T>
void describe(Fields& field, T& error) {
  field("device", error.device);
  field("device_id", error.device_id);
  field.range("offset", "length", error.device_range);
  field("source", error.source);
}

Json to_json(const MediaError& error) {
  return write_fields(error);
}
void read_json(const JsonReader& in, MediaError& error) {
  read_fields(in, error);
}

template <class Fields, ConstOr<MediaErrorList> T>
void describe(Fields& field, T& list) {
  field("device", list.device);
  field("device_id", list.device_id);
  field("source", list.source);
  field("ranges", list.ranges);
  field("complete", list.complete);
  field.check([&](const JsonReader& in) {
    if (!are_apart_in_order(list.ranges)) {
      in.problem("ranges overlap or are out of order");
    }
  });
}

Json to_json(const MediaErrorList& list) {
  return write_fields(list);
}
void read_json(const JsonReader& in, MediaErrorList& list) {
  read_fields(in, list);
}

}  // namespace pmend
