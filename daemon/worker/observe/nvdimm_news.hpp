// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/observe_verbs.hpp"
#include "pmend/nvdimm/clearing.hpp"
#include "pmend/nvdimm/topology.hpp"

#include <string>
#include <vector>

// What people are told of persistent memory, beside the lists of its devices.
namespace pmend::worker {

// Which of its sources this machine has, or that it has no such memory. A look into sysfs.
void add_nvdimm_sources(const std::string& sysfs, protocol::WatchReply& reply);

// The DIMMs whose health is another one than it was, or is not good and was not known.
std::vector<std::string> health_news(const nvdimm::Topology& before, const nvdimm::Topology& now);

// The namespaces whose device has no list of bad sectors of its own: device-dax and those behind a translation table.
// What their region lists is told, and here is what can be done about it.
std::vector<std::string> listless_namespaces(const nvdimm::Topology& topology, const nvdimm::KernelVersion& kernel);

}  // namespace pmend::worker
