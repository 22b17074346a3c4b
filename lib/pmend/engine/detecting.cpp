// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/detecting.hpp"

#include "pmend/engine/storming.hpp"
#include "pmend/engine/unit_runs.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pmend::engine {
namespace {

Device& device_with(Core& core, const std::string& device_id) {
  Device& device = core.devices[device_id];
  device.device_id = device_id;
  return device;
}

bool may_grow(const Case& what, bool same_unit) {
  // What a person has put away stays so unless its own unit changes.
  return !what.is_busy() && (what.standing() == Standing::kWaiting || same_unit);
}

// The open incident that `bad` belongs to by its place. `busy` is set where that may not be touched now.
Case* neighbour_of(Core& core, const Device& device, const ByteRange& bad, bool& busy) {
  const std::uint64_t unit = device.unit();
  const auto after = device.by_offset.upper_bound(bad.offset);
  std::vector<IncidentId> candidates;
  if (after != device.by_offset.begin()) {
    candidates.push_back(std::prev(after)->second);
  }
  if (after != device.by_offset.end()) {
    candidates.push_back(after->second);
  }
  for (const IncidentId id : candidates) {
    Case* what = core.find(id);
    if (what == nullptr) {
      continue;
    }
    const ByteRange span = what->incident.device_range;
    const bool same_unit = round_out(span, unit).overlaps(round_out(bad, unit));
    const bool touches = same_unit || (span.offset < bad.offset ? adjoin(span, bad, unit) : adjoin(bad, span, unit));
    const std::uint64_t from = std::min(span.offset, bad.offset);
    const bool fits = units_of({from, std::max(span.end(), bad.end()) - from}, unit) <= kMaxUnitsPerPlan;
    if (touches && may_grow(*what, same_unit) && (same_unit || fits)) {
      return what;
    }
    busy = busy || (same_unit && what->is_busy());
  }
  return nullptr;
}

void grow(Core& core, Case& what, const ByteRange& bad) {
  RangeSet all(what.memory.bad);
  all.insert(bad);
  core.set_bad(what, all.ranges());
  what.looks = 0;
  core.look_again(what, "its list entry changed");
}

// What is listed and belongs to no open incident.
std::vector<ByteRange> fresh_ranges(Core& core, const Device& device, RangeSet listed) {
  for (const auto& [offset, id] : device.by_offset) {
    if (const Case* what = core.find(id)) {
      for (const ByteRange& bad : what->memory.bad) {
        listed.erase(bad);
      }
    }
  }
  return listed.ranges();
}

// The part in the first unit, the part in the last one, and what lies between: only the ends can share a unit with an
// open incident.
std::vector<ByteRange> at_unit_ends(const ByteRange& range, std::uint64_t unit) {
  const std::uint64_t first_end = round_out({range.offset, 1}, unit).end();
  const std::uint64_t last_begin = round_out({range.end() - 1, 1}, unit).offset;
  if (first_end >= range.end()) {
    return {range};
  }
  std::vector<ByteRange> parts = {{range.offset, first_end - range.offset}};
  if (last_begin > first_end) {
    parts.push_back({first_end, last_begin - first_end});
  }
  parts.push_back({last_begin, range.end() - last_begin});
  return parts;
}

void add_fresh(Core& core, Device& device, const std::vector<ByteRange>& fresh) {
  RangeSet loose;
  for (const ByteRange& range : fresh) {
    for (const ByteRange& bad : at_unit_ends(range, device.unit())) {
      bool busy = false;
      if (Case* what = neighbour_of(core, device, bad, busy)) {
        grow(core, *what, bad);
      } else if (!busy) {  // else it is found again when the job has ended
        loose.insert(bad);
      }
    }
  }
  const std::size_t open = std::min(device.by_offset.size(), kMostIncidentsPerDevice);
  for (BadRun& run : unit_runs(loose.ranges(), device.unit(), kMostIncidentsPerDevice - open)) {
    core.add_case(device, std::move(run));
  }
}

void look_at_missing(Core& core, Case& what) {
  const bool not_asked_yet = what.state() == IncidentState::kDetected && !what.query;
  if (what.state() == IncidentState::kDismissed || not_asked_yet) {
    core.device_of(what)->to_observe.insert(what.id());
  } else if (!what.is_busy() && what.state() != IncidentState::kDetected) {
    what.looks = 0;
    core.look_again(what, "no longer listed; looking whether it reads");
  }
}

void update_known(Core& core, Device& device, const RangeSet& listed) {
  const bool complete = device.lists_complete();
  const std::map<std::uint64_t, IncidentId> incidents = device.by_offset;
  for (const auto& [offset, id] : incidents) {
    Case& what = *core.find(id);
    const std::vector<std::string> sources = device.sources_of(what.memory.bad);
    if (!sources.empty() && sources != what.incident.sources) {
      what.incident.sources = sources;
      core.touched.insert(id);
    }
    const bool whole = std::all_of(what.memory.bad.begin(), what.memory.bad.end(),
                                   [&](const ByteRange& bad) { return listed.covers(bad); });
    if (complete && !whole) {
      look_at_missing(core, what);
    }
  }
}

// Takes over what a source says. Returns false if nothing is new.
bool take_list(Core& core, Device& device, const MediaErrorList& list) {
  SourceList& known = device.lists[list.source];
  SourceList now{RangeSet(list.ranges), list.complete};
  if (!list.complete) {  // what is not in it may have been cut off
    for (const ByteRange& range : known.ranges.ranges()) {
      now.ranges.insert(range);
    }
  }
  if (now == known) {
    return false;
  }
  known = std::move(now);
  if (core.loaded) {
    core.change(ledger::PutMediaErrors{list});
  }
  return true;
}

void look_at_unreached(Core& core, const std::string* device_id) {
  for (auto& [id, what] : core.cases) {
    const bool unreached = what.state() == IncidentState::kUnresolved || what.state() == IncidentState::kBlocked ||
                           what.state() == IncidentState::kUnobservable;
    const Device* device = core.device_of(what);
    if (unreached && device != nullptr && device->present && (!device_id || device->device_id == *device_id)) {
      what.looks = 0;
      core.look_again(what, "looking again");
    }
  }
}

}  // namespace

void correlate(Core& core, Device& device) {
  if (!core.loaded || !device.present) {
    return;
  }
  const RangeSet listed = device.listed();
  update_known(core, device, listed);
  add_fresh(core, device, fresh_ranges(core, device, listed));
}

void on(Core& core, const DeviceFound& input) {
  Device& device = device_with(core, input.device.device_id);
  device.info = input.device;
  device.present = true;
  if (core.loaded) {
    on_present(core, device);
  }
}

void on_present(Core& core, Device& device) {
  if (device.first_seen == WallTime{}) {
    device.first_seen = std::chrono::floor<std::chrono::seconds>(core.wall);
  }
  put_device(core, device);
  for (const auto& [offset, id] : std::map(device.by_offset)) {
    Case& what = *core.find(id);
    what.incident.device = device.info.device;
    what.incident.medium = device.place_of(what.incident.device_range);
    if (what.state() == IncidentState::kUnobservable || what.state() == IncidentState::kIndeterminate) {
      what.looks = 0;
      core.look_again(what, "device found");
    }
  }
  correlate(core, device);
}

void on(Core& core, const DeviceGone& input) {
  const auto it = core.devices.find(input.device.device_id);
  if (it == core.devices.end() || !it->second.present) {
    return;
  }
  Device& device = it->second;
  device.present = false;
  device.lists.clear();
  device.observing.reset();
  device.listing.reset();
  device.list_wanted = !device.settling.empty() || !device.settling_asked.empty();
  device.to_observe.clear();
  for (const auto& [offset, id] : std::map(device.by_offset)) {
    Case& what = *core.find(id);
    if (what.standing() == Standing::kWaiting && !what.open_job) {
      core.reset(what);
      core.move(what, IncidentState::kUnobservable, "device " + device.info.device + " is gone");
    }
  }
}

void on(Core& core, const MediaErrors& input) {
  Device& device = device_with(core, input.list.device_id);
  bool news = false;
  if (input.query && device.listing == input.query && core.answered(*input.query)) {
    device.listing.reset();
    device.list_failures = 0;
    device.settling_asked.clear();
    news = true;
  }
  news = take_list(core, device, input.list) || news;
  if (news) {
    correlate(core, device);
  }
}

void on(Core& core, const Gap& input) {
  core.log(log::Level::kNotice, "Something may have been missed ({WHY}); looking at the lists again",
           {{"WHY", input.gap.source + ": " + input.gap.why}});
  for (auto& [id, device] : core.devices) {
    if (!input.gap.device || device.info.device == *input.gap.device) {
      want_list(device);
    }
  }
}

void on(Core& core, const MountsChanged& /*input*/) {
  ++core.mounts_changes;
  look_at_unreached(core, nullptr);
}

void want_list(Device& device) {
  device.list_wanted = true;
  device.list_at.reset();
}

void rescan(Core& core) {
  for (auto& [id, device] : core.devices) {
    want_list(device);
  }
  look_at_unreached(core, nullptr);
}

void lose_observer(Core& core) {
  core.queries.clear();
  for (auto& [id, device] : core.devices) {
    device.present = false;  // found anew when it is back
    device.observing.reset();
    device.listing.reset();
    device.list_wanted = !device.settling.empty() || !device.settling_asked.empty();
    for (auto& [source, list] : device.lists) {
      list.complete = false;
    }
  }
  for (auto& [id, what] : core.cases) {
    if (std::exchange(what.query, std::nullopt) && !what.is_busy()) {
      core.look_again(what, "the observer is gone; looking again when it is back");
    }
  }
}

void list_failed(Core& core, Device& device) {
  device.listing.reset();
  device.list_at = core.steady + back_off(++device.list_failures);
}

void ask_lists(Core& core) {
  for (auto& [id, device] : core.devices) {
    if (device.list_at && *device.list_at <= core.steady) {
      want_list(device);
    }
    if (!device.list_wanted || !device.present || device.listing) {
      continue;
    }
    device.list_wanted = false;
    for (const ByteRange& range : device.settling.ranges()) {
      device.settling_asked.insert(range);
    }
    device.settling.clear();
    device.listing = core.ask(device.device_id, {});
    core.out.emplace_back(List{*device.listing, device.info.device});
  }
}

}  // namespace pmend::engine
