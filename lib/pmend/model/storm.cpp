// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/storm.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<Storm> T>
void describe(Fields& field, T& storm) {
  field("since", storm.since);
  field("incidents", storm.incidents);
  field("limit", storm.limit);
}
Json to_json(const Storm& storm) {
  return write_fields(storm);
}
void read_json(const JsonReader& in, Storm& storm) {
  read_fields(in, storm);
}

}  // namespace pmend
