// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/step.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<Step> T>
void describe(Fields& field, T& step) {
  field("job", step.job);
  field("index", step.index);
  field("kind", step.kind);
  field.range("device_offset", "length", step.device_range);
  field.sha256("spool_sha256", step.spool_sha256);
  field.nullable("outcome", step.outcome);
  field("reason", step.reason);
}
Json to_json(const Step& step) {
  return write_fields(step);
}
void read_json(const JsonReader& in, Step& step) {
  read_fields(in, step);
}

}  // namespace pmend
