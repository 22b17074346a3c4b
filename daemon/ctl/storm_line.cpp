// SPDX-License-Identifier: Apache-2.0
#include "ctl/storm_line.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend::ctl {

void read_json(const JsonReader& in, StormLine& line) {
  FieldReader field(in);
  field("device", line.device);
  field("since", line.storm.since);
  field("incidents", line.storm.incidents);
  field("limit", line.storm.limit);
  field.finish();
}

}  // namespace pmend::ctl
