// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/nvdimm_news.hpp"

#include "pmend/base/text.hpp"
#include "pmend/block/sysfs.hpp"
#include "worker/lists.hpp"
#include "worker/observe/dimm_watch.hpp"
#include "worker/observe/nvdimms.hpp"

#include <algorithm>
#include <map>

namespace pmend::worker {
namespace {

using protocol::PmemDimm;
using protocol::PmemMode;

std::map<std::string, PmemDimm> dimms_in(const nvdimm::Topology& topology) {
  std::map<std::string, PmemDimm> dimms;
  for (const nvdimm::Bus& bus : topology.buses) {
    for (const PmemDimm& dimm : bus.dimms) {
      dimms[dimm.name] = dimm;
    }
  }
  return dimms;
}

std::string listless_text(const nvdimm::NamespacePlace& place, const nvdimm::KernelVersion& kernel) {
  const nvdimm::Namespace& name_space = place.name_space;
  const std::string& device = name_space.mode == PmemMode::kDevdax ? name_space.dax_name : name_space.block;
  const protocol::Clearing can = clearing(place, kernel);
  return escape_bytes(name_space.name) + " (" + std::string(to_string(name_space.mode)) +
         (device.empty() ? "" : ", /dev/" + escape_bytes(device)) + ") has no list of bad sectors of its own; what " +
         escape_bytes(place.region.name) + " lists in it is told, and nothing is written: " + can.reason + " (" +
         can.advice + ")";
}

}  // namespace

void add_nvdimm_sources(const std::string& sysfs, protocol::WatchReply& reply) {
  const std::string directory = sysfs + "/bus/nd/devices";
  std::map<std::string, bool> there;
  for (const std::string& name : block::list_directory(directory)) {
    const auto has = [&](const std::string& attribute) {
      return block::read_attribute(directory + "/" + name, attribute).has_value();
    };
    there[kRegionList] |= name.starts_with("region") && has("badblocks");
    there[kArsRecords] |= name.starts_with("ndbus") && has("nfit/scrub");
    there[kDimmHealth] |= name.starts_with("nmem") && (has("nfit/flags") || has("papr/flags"));
  }
  if (there.empty()) {
    reply.absent.emplace_back("persistent memory");
    return;
  }
  for (const auto& [source, is] : there) {
    if (is) {
      reply.sources.push_back(source);
    } else {
      reply.absent.push_back(source + " of persistent memory");
    }
  }
}

std::vector<std::string> health_news(const nvdimm::Topology& before, const nvdimm::Topology& now) {
  const auto known = dimms_in(before);
  std::vector<std::string> news;
  for (const auto& [name, dimm] : dimms_in(now)) {
    const auto old = known.find(name);
    const std::string was = old == known.end() ? "ok" : old->second.health;
    if (dimm.health != was) {
      news.push_back("DIMM " + escape_bytes(name) + (dimm.id.empty() ? "" : " " + escape_bytes(dimm.id)) + ": " +
                     dimm.health);
    }
  }
  return news;
}

std::vector<std::string> listless_namespaces(const nvdimm::Topology& topology, const nvdimm::KernelVersion& kernel) {
  std::vector<std::string> texts;
  for (const nvdimm::Bus& bus : topology.buses) {
    for (const nvdimm::Region& region : bus.regions) {
      for (const nvdimm::Namespace& name_space : region.namespaces) {
        const bool listless = name_space.mode == PmemMode::kDevdax || name_space.mode == PmemMode::kSector;
        if (listless && name_space.enabled) {
          texts.push_back(listless_text({bus, region, name_space}, kernel));
        }
      }
    }
  }
  return texts;
}

}  // namespace pmend::worker
