// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/nvdimms.hpp"

#include "pmend/model/json_reader.hpp"
#include "pmend/nvdimm/read_topology.hpp"
#include "pmend/nvdimm/region_list.hpp"
#include "pmend/nvdimm/topology_json.hpp"
#include "worker/observe/nvdimm_news.hpp"
#include "worker/places.hpp"

#include <utility>

namespace pmend::worker {
namespace {

constexpr std::chrono::seconds kReadLimit{60};

Answer read_in_child() {
  const auto topology = nvdimm::read_topology();
  return topology ? Answer(to_json(*topology)) : tl::make_unexpected(reply_error(topology.error()));
}

std::string kernel_name(const std::string& node) {
  return node.substr(node.rfind('/') + 1);
}

// What of `ranges` is listed.
std::vector<ByteRange> listed_of(const RangeSet& ranges, const RangeSet& listed) {
  RangeSet both;
  for (const ByteRange& range : ranges.ranges()) {
    for (const ByteRange& common : listed.common(range)) {
      both.insert(common);
    }
  }
  return both.ranges();
}

RangeSet up(const nvdimm::LinearMap& map, const RangeSet& physical) {
  RangeSet device;
  for (const ByteRange& range : physical.ranges()) {
    for (const nvdimm::LinearPiece& piece : map.up(range)) {
      device.insert(piece.upper);
    }
  }
  return device;
}

}  // namespace

Nvdimms::Nvdimms(Parts parts) : parts_(std::move(parts)) {}

void Nvdimms::rescan() {
  if (std::exchange(reading_, true)) {
    read_again_ = true;
    return;
  }
  parts_.run_child(kReadLimit, read_in_child, [this](const Answer& answer) { take(answer); });
}

void Nvdimms::take(const Answer& answer) {
  reading_ = false;
  const auto topology = answer ? from_json<nvdimm::Topology>(*answer)
                               : Result<nvdimm::Topology>(fail(Errc::kNotFound, answer.error().what));
  const bool first = !std::exchange(read_once_, true);
  if (!topology) {
    parts_.notice("nvdimm", "persistent memory cannot be looked at: " + topology.error().what);
  } else if (first || *topology != topology_) {
    watch_regions(*topology);
    const nvdimm::Topology before = std::exchange(topology_, *topology);
    watch_buses(topology_);
    watch_dimms(topology_);
    tell_people(before, topology_);
    for (auto& [name, watch] : regions_) {
      tell_region(watch);
    }
    for (const auto& [node, device] : devices_) {
      note_seen(node);
      tell_records(node);
    }
  }
  if (std::exchange(read_again_, false)) {
    rescan();
  }
}

void Nvdimms::watch_regions(const nvdimm::Topology& topology) {
  std::set<std::string> there;
  for (const nvdimm::Bus& bus : topology.buses) {
    for (const nvdimm::Region& region : bus.regions) {
      there.insert(region.name);
      RegionWatch& watch = regions_[region.name];
      const bool same_place = watch.list && watch.region.physical == region.physical;
      watch.region = region;
      if (same_place || region.physical.empty()) {
        continue;
      }
      const ListPlace place{region.badblocks, kRegionList, std::chrono::seconds(60), {}};
      watch.list = std::make_unique<ListWatch>(
          parts_.io, place, region.physical.length,
          [this, name = region.name](const Result<repair::BadList>& list) { region_read(name, list); });
    }
  }
  std::erase_if(regions_, [&](const auto& watch) { return !there.contains(watch.first); });
}

void Nvdimms::watch_buses(const nvdimm::Topology& topology) {
  std::map<std::string, std::unique_ptr<ArsWatch>> before = std::exchange(buses_, {});
  for (const nvdimm::Bus& bus : topology.buses) {
    if (bus.scrub.empty() || !bus.ars_cap || !bus.ars_status) {
      continue;
    }
    auto& known = before[bus.name];
    // A scrub that somebody waits for is waited for with the regions that were there when it began.
    if (known && (known->bus().regions == bus.regions || known->is_waiting())) {
      buses_[bus.name] = std::move(known);
      continue;
    }
    const auto tell_all = [this] {
      for (const auto& [node, device] : devices_) {
        tell_records(node);
      }
    };
    buses_[bus.name] = std::make_unique<ArsWatch>(
        parts_.io, bus, parts_.run_child,
        ArsWatch::Handlers{tell_all, [this, provider = bus.provider](const std::string& why) {
                             parts_.notice(kArsRecords, "records of the scrubs of bus " + provider + ": " + why);
                           }});
  }
}

void Nvdimms::watch_dimms(const nvdimm::Topology& topology) {
  std::map<std::string, std::unique_ptr<DimmWatch>> before = std::exchange(dimms_, {});
  for (const nvdimm::Bus& bus : topology.buses) {
    for (const protocol::PmemDimm& dimm : bus.dimms) {
      auto& known = before[dimm.name];
      if (!known || !known->is_watching()) {
        known = std::make_unique<DimmWatch>(parts_.io, dimm.name,
                                            "/sys/bus/nd/devices/" + dimm.name + "/" + bus.dimm_flags, parts_.changed);
      }
      dimms_[dimm.name] = std::move(known);
    }
  }
}

void Nvdimms::tell_people(const nvdimm::Topology& before, const nvdimm::Topology& now) {
  for (const std::string& text : health_news(before, now)) {
    parts_.notice(kDimmHealth, text);
  }
  const auto kernel = nvdimm::running_kernel();
  const auto texts = kernel ? listless_namespaces(now, *kernel) : std::vector<std::string>();
  for (const std::string& text : texts) {
    if (!listless_.contains(text)) {
      parts_.notice(kRegionList, text);
    }
  }
  listless_ = {texts.begin(), texts.end()};
}

void Nvdimms::region_read(const std::string& name, const Result<repair::BadList>& list) {
  RegionWatch& watch = regions_.at(name);
  if (!list) {
    watch.read.reset();
    parts_.notice(kRegionList, "list of " + name + ": " + list.error().message());
    rescan();  // it may have been disabled, and all on it
    return;
  }
  watch.read = *list;
  tell_region(watch);
}

void Nvdimms::tell_region(RegionWatch& watch) {
  if (!watch.read) {
    return;
  }
  const nvdimm::RegionList lists = translate(watch.region, watch.read->bad, watch.read->complete);
  for (const nvdimm::DeviceList& list : lists.devices) {
    const std::string node = "/dev/" + list.block;
    if (const auto id = parts_.device_id(node)) {
      tell_if_new({node, *id, kRegionList, list.device_ranges, list.complete});
    }
  }
  const std::set<std::string> named(lists.elsewhere.begin(), lists.elsewhere.end());
  for (const std::string& place : named) {
    if (!watch.named.contains(place)) {
      parts_.notice(kRegionList, watch.region.name + ": " + place);
    }
  }
  watch.named = named;
}

void Nvdimms::tell_if_new(MediaErrorList list) {
  MediaErrorList& told = told_[{list.device, list.source}];
  if (told != list) {
    told = list;
    parts_.tell(told);
  }
}

void Nvdimms::device_found(const std::string& node) {
  told_.erase({node, kRegionList});
  for (auto& [name, watch] : regions_) {
    tell_region(watch);
  }
  tell_records(node);
}

void Nvdimms::device_gone(const std::string& node) {
  devices_.erase(node);
  std::erase_if(told_, [&](const auto& told) { return told.first.first == node; });
}

void Nvdimms::kernel_list(const std::string& node, const repair::BadList& list) {
  devices_[node].list = list;
  note_seen(node);
  tell_records(node);
}

// Before its bus is known nothing counts as seen.
void Nvdimms::note_seen(const std::string& node) {
  const ArsWatch* scrubs = scrubs_of(node);
  const auto count =
      scrubs != nullptr ? read_scrub_count(scrubs->bus().scrub) : Result<ScrubCount>(fail(Errc::kNotFound, node));
  if (count) {
    Device& device = devices_.at(node);
    device.seen.take(device.list.bad, device.list.complete, count->next_fresh());
  }
}

// What firmware confirms of the kernel's list, and no more: its records are of the last scrub, and of what was healed
// since it knows nothing.
void Nvdimms::tell_records(const std::string& node) {
  const ArsWatch* scrubs = scrubs_of(node);
  const auto id = parts_.device_id(node);
  const auto device = devices_.find(node);
  if (scrubs == nullptr || !id || device == devices_.end()) {
    return;
  }
  const RangeSet found = scrubs->records() ? on_device(node, *scrubs->records()) : RangeSet();
  tell_if_new({node, *id, kArsRecords, listed_of(found, device->second.list.bad), true});
}

RangeSet Nvdimms::on_device(const std::string& node, const ScrubRecords& records) const {
  const auto place = find_namespace(topology_, kernel_name(node));
  return place ? up(place->name_space.map(), records.bad) : RangeSet();
}

ArsWatch* Nvdimms::scrubs_of(const std::string& node) {
  const auto place = find_namespace(topology_, kernel_name(node));
  const auto bus = place ? buses_.find(place->bus.name) : buses_.end();
  return bus != buses_.end() ? bus->second.get() : nullptr;
}

void Nvdimms::start_scrubs() {
  for (const auto& [name, bus] : buses_) {
    // What it finds is in the lists, which are watched.
    bus->start([](const Result<ScrubRecords>&) {});
  }
}

RangeSet Nvdimms::hints(const std::string& node) const {
  RangeSet all;
  if (const auto told = told_.find({node, kRegionList}); told != told_.end()) {
    all = RangeSet(told->second.ranges);
  }
  const auto place = find_namespace(topology_, kernel_name(node));
  const auto bus = place ? buses_.find(place->bus.name) : buses_.end();
  if (bus != buses_.end() && bus->second->records()) {
    for (const ByteRange& range : on_device(node, *bus->second->records()).ranges()) {
      all.insert(range);
    }
  }
  return all;
}

std::vector<protocol::SourceCounters> Nvdimms::counters() const {
  std::vector<protocol::SourceCounters> all;
  for (const auto& [name, region] : regions_) {
    if (region.list) {
      all.push_back(region.list->counters(kRegionList, name));
    }
  }
  for (const auto& [name, bus] : buses_) {
    all.push_back(bus->counters());
  }
  for (const auto& [name, dimm] : dimms_) {
    if (dimm->is_watching()) {
      all.push_back(dimm->counters());
    }
  }
  return all;
}

std::function<std::optional<bool>(const std::string& node, const ByteRange& device_range)> Nvdimms::phantom_judge()
    const {
  struct Known {
    nvdimm::LinearMap map;
    FirstSeen seen;
    ScrubRecords records;
    std::string scrub;
  };
  std::map<std::string, Known> all;
  for (const auto& [node, device] : devices_) {
    const auto place = find_namespace(topology_, kernel_name(node));
    const auto bus = place ? buses_.find(place->bus.name) : buses_.end();
    if (bus != buses_.end() && bus->second->records()) {
      all[node] = {place->name_space.map(), device.seen, *bus->second->records(), place->bus.scrub};
    }
  }
  return [all = std::move(all)](const std::string& node, const ByteRange& device_range) -> std::optional<bool> {
    const auto known = all.find(node);
    const auto count = known != all.end() ? read_scrub_count(known->second.scrub) : Result<ScrubCount>();
    // The records may be older than what the kernel lists by now.
    if (known == all.end() || !count || count->running || count->ended != known->second.records.ended) {
      return std::nullopt;
    }
    return is_phantom(device_range, known->second.map, known->second.seen, known->second.records);
  };
}

}  // namespace pmend::worker
