// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json.hpp"
#include "pmend/nvdimm/topology.hpp"

// A topology on its way from the process that asked the kernel to the one that uses it.
namespace pmend::nvdimm {

Json to_json(const Topology& topology);
void read_json(const JsonReader& in, Topology& topology);

}  // namespace pmend::nvdimm
