// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

// Values of lib/pmend/model have one JSON form each, given by two functions beside the value:
//   Json to_json(const T& value);
//   void read_json(const JsonReader& in, T& value);   // problems go to the reader, see json_reader.hpp
// json_fields.hpp makes both from one list of fields. Object keys are sorted, so that equal values have equal text.
namespace pmend {

using Json = nlohmann::json;

class JsonReader;

}  // namespace pmend
