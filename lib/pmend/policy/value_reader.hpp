// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json_reader.hpp"
#include "pmend/policy/conditions.hpp"

#include <cstdint>
#include <vector>

// Values that several keys have. Problems go to the reader, one for each value that is wrong.
namespace pmend {

// A number up to `most`, or an object with min, max or both.
NumberRange read_number_range(const JsonReader& in, std::uint64_t most);

// An object with from, to, days or some of them.
TimeSpan read_time_span(const JsonReader& in);

// In the policy file a list is any-of, and one element may stand without its brackets.
template <class T, class ReadElement>
std::vector<T> one_or_more(const JsonReader& in, const ReadElement& read_element) {
  if (!in.is_array()) {
    return {read_element(in)};
  }
  std::vector<T> values;
  for (const JsonReader& element : in.array()) {
    values.push_back(read_element(element));
  }
  if (values.empty()) {
    in.problem("got an empty array, expected at least one element");
  }
  return values;
}

}  // namespace pmend
