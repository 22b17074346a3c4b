// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json_reader.hpp"
#include "pmend/model/storm.hpp"

#include <string>

namespace pmend::ctl {

// One of "storms" in the answer of Manager.Status.
struct StormLine {
  std::string device;
  Storm storm;
};

void read_json(const JsonReader& in, StormLine& line);

}  // namespace pmend::ctl
