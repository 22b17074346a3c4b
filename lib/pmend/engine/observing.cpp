// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/observing.hpp"

#include "pmend/engine/detecting.hpp"
#include "pmend/engine/unit_runs.hpp"
#include "pmend/engine/unproven.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

using protocol::Listed;
using protocol::ObservedRange;
using protocol::Readable;

// Names tell people which files were hit. To find them takes a walk over the file system, which may be large: nobody
// needs them to decide unless a rule does, so otherwise a repair does not wait for them for long. Both are well within
// the time that the observer has for its answer.
constexpr std::chrono::seconds kNamesForPeople{2};
constexpr std::chrono::seconds kNamesForRules{60};

std::chrono::milliseconds names_limit(const std::vector<protocol::Fact>& needed) {
  return std::ranges::count(needed, protocol::Fact::kNames) != 0 ? kNamesForRules : kNamesForPeople;
}

// What of `run` a direct read could read and a complete list does not have, by the observer's word.
RangeSet gone_of(const std::vector<ByteRange>& run, const std::vector<ObservedRange>& observed) {
  RangeSet gone;
  for (const ObservedRange& range : observed) {
    if (range.listed != Listed::kNo || range.readable != Readable::kYes) {
      continue;
    }
    for (const ByteRange& bad : run) {
      if (const auto common = intersect(bad, range.device_range)) {
        gone.insert(*common);
      }
    }
  }
  return gone;
}

// In order and apart; what overlaps something before it is left out, for which of the two would be true?
std::vector<ObservedRange> in_order(std::vector<ObservedRange> ranges) {
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const auto& a, const auto& b) { return a.device_range.offset < b.device_range.offset; });
  std::vector<ObservedRange> apart;
  for (ObservedRange& range : ranges) {
    if (apart.empty() || apart.back().device_range.end() <= range.device_range.offset) {
      apart.push_back(std::move(range));
    }
  }
  return apart;
}

// The observed ranges that touch the incident.
std::vector<ObservedRange> about(const Case& what, const std::vector<ObservedRange>& in_order) {
  const ByteRange span = what.incident.device_range;
  const auto first = std::partition_point(in_order.begin(), in_order.end(), [&](const ObservedRange& range) {
    return range.device_range.end() <= span.offset;
  });
  const auto last = std::partition_point(
      first, in_order.end(), [&](const ObservedRange& range) { return range.device_range.offset < span.end(); });
  return {first, last};
}

// Takes out what is gone from the medium and from our complete lists. Returns true if that settled the incident.
bool settle_gone(Core& core, Case& what, const std::vector<ObservedRange>& observed) {
  Device& device = *core.device_of(what);
  const RangeSet gone = gone_of(what.memory.bad, observed);
  if (gone.empty()) {
    return false;
  }
  const RangeSet listed = device.listed();
  const std::vector<ByteRange> gone_ranges = gone.ranges();
  const bool confirmed =
      device.lists_complete() && std::none_of(gone_ranges.begin(), gone_ranges.end(),
                                              [&](const ByteRange& range) { return listed.overlaps(range); });
  if (!confirmed) {
    want_list(device);
    core.look_later(what, "it reads again, but the list is not complete or still has it");
    return true;
  }
  RangeSet left(what.memory.bad);
  for (const ByteRange& range : gone_ranges) {
    left.erase(range);
  }
  if (left.empty()) {
    core.close(what, IncidentState::kCleared,
               "no longer listed, and a direct read succeeds" + unproven_text(what, observed));
    return true;
  }
  core.set_bad(what, left.ranges());
  return false;
}

void take_owners(Core& core, Case& what, OwnedRun run) {
  what.incident.owners = std::move(run.owners);
  what.phantom = run.phantom;
  const auto unknown = std::find_if(what.incident.owners.begin(), what.incident.owners.end(),
                                    [](const Owner& owner) { return owner.kind == OwnerKind::kUnknown; });
  if (unknown != what.incident.owners.end()) {
    core.leave_unresolved(what, "owner not known: " + unknown->detail);
    return;
  }
  core.move(what, IncidentState::kObserved, "");
  core.to_plan.insert(what.id());
}

// One incident per set of owners; the number stays with the part that was named by these owners before, else with the
// first.
void split(Core& core, Case& what, std::vector<OwnedRun> runs) {
  Device& device = *core.device_of(what);
  const std::uint64_t anchor = what.incident.device_range.offset;
  auto keeper = std::find_if(runs.begin(), runs.end(), [&](const OwnedRun& run) {
    return std::any_of(run.owners.begin(), run.owners.end(), [&](const Owner& owner) {
      return std::any_of(what.incident.owners.begin(), what.incident.owners.end(), [&](const Owner& known) {
        return known.kind == owner.kind && known.file == owner.file && known.device_range.overlaps(owner.device_range);
      });
    });
  });
  if (keeper == runs.end()) {
    keeper = runs.begin();
  }
  device.by_offset.erase(anchor);
  core.set_bad(what, keeper->bad);
  const std::set<protocol::Fact> facts = what.facts;
  take_owners(core, what, *keeper);
  for (OwnedRun& run : runs) {
    if (&run == &*keeper) {
      continue;
    }
    Case& part = core.add_case(device, run.bad);
    device.to_observe.erase(part.id());
    part.facts = facts;
    take_owners(core, part, std::move(run));
  }
}

void observed(Core& core, Case& what, const std::vector<ObservedRange>& all) {
  if (what.open_job) {
    core.find(*what.open_job)->reobserved = true;
    return;
  }
  const std::vector<ObservedRange> mine = about(what, all);
  if (what.state() == IncidentState::kDismissed) {
    // Its entry is gone: cleared if it reads, else it is an open one again.
    core.look_again(what, "its list entry disappeared");
    core.device_of(what)->to_observe.erase(what.id());
  }
  if (settle_gone(core, what, mine)) {
    return;
  }
  split(core, what, split_by_owner(what.memory.bad, mine, core.device_of(what)->unit()));
}

// The answer may be of before the change, and the change is not told again.
void look_again_if_mounts_changed(Core& core, const Query& query, Case& what) {
  if (what.state() == IncidentState::kUnresolved && query.mounts_changes != core.mounts_changes) {
    core.look_again(what, "mounts changed meanwhile");
  }
}

// Returns true if the incident is small enough to be looked at. Larger ones (the list names a large part of the device,
// or its repair unit became smaller) are cut as long as the device has not too many incidents already.
bool make_observable(Core& core, Device& device, Case& what) {
  if (units_of(what.incident.device_range, device.unit()) <= kMaxUnitsPerPlan || what.open_job) {
    return true;
  }
  if (what.state() == IncidentState::kDismissed) {
    return false;
  }
  if (device.by_offset.size() >= kMostIncidentsPerDevice) {
    core.move(what, IncidentState::kUnresolved, "too much of the device is bad at once to look at each part");
    return false;
  }
  std::vector<BadRun> runs =
      unit_runs(what.memory.bad, device.unit(), kMostIncidentsPerDevice - device.by_offset.size());
  core.set_bad(what, runs.front());
  for (std::size_t i = 1; i < runs.size(); ++i) {
    core.add_case(device, std::move(runs[i]));
  }
  return true;
}

void ask(Core& core, Device& device) {
  const std::vector<protocol::Fact>& needed = core.policy->facts_needed();
  std::set<protocol::Fact> facts(needed.begin(), needed.end());
  facts.insert(protocol::Fact::kNames);
  protocol::ObserveRequest request{device.info.device,
                                   device.device_id,
                                   {},
                                   {facts.begin(), facts.end()},
                                   static_cast<std::uint64_t>(names_limit(needed).count())};
  std::vector<IncidentId> incidents;
  while (!device.to_observe.empty()) {
    Case& what = *core.find(*device.to_observe.begin());
    if (request.ranges.size() + what.memory.bad.size() > kMostRangesPerObserve && !incidents.empty()) {
      break;
    }
    device.to_observe.erase(what.id());
    if (!make_observable(core, device, what)) {
      continue;
    }
    request.ranges.insert(request.ranges.end(), what.memory.bad.begin(), what.memory.bad.end());
    incidents.push_back(what.id());
  }
  if (incidents.empty()) {
    return;
  }
  std::sort(request.ranges.begin(), request.ranges.end());
  device.observing = core.ask(device.device_id, incidents);
  for (const IncidentId id : incidents) {
    Case& what = *core.find(id);
    what.query = device.observing;
    what.facts = {needed.begin(), needed.end()};
    core.retry_at(what, std::nullopt);
  }
  core.out.emplace_back(Observe{*device.observing, std::move(request)});
}

}  // namespace

void on(Core& core, const Observed& input) {
  const auto query = core.answered(input.query);
  if (!query || query->incidents.empty()) {
    return;
  }
  Device& device = core.devices.at(query->device_id);
  if (device.observing == input.query) {  // else the device was away meanwhile and is being asked about anew
    device.observing.reset();
  }
  const bool right_device = input.observation.device.device_id == device.device_id;
  if (right_device) {
    device.info = input.observation.device;
  }
  const std::vector<ObservedRange> ranges = in_order(input.observation.ranges);
  for (const IncidentId id : query->incidents) {
    Case* what = core.find_by_query(input.query, id);
    if (what == nullptr) {
      continue;
    }
    what->query.reset();
    if (right_device) {
      observed(core, *what, ranges);
      look_again_if_mounts_changed(core, *query, *what);
    } else {
      core.look_later(*what, "the observer answered for another device");
    }
  }
}

void on(Core& core, const ObserveFailed& input) {
  const auto query = core.answered(input.query);
  if (!query) {
    return;
  }
  Device& device = core.devices.at(query->device_id);
  if (device.listing == input.query) {
    list_failed(core, device);
    return;
  }
  if (device.observing == input.query) {
    device.observing.reset();
  }
  for (const IncidentId id : query->incidents) {
    Case* what = core.find_by_query(input.query, id);
    if (what == nullptr) {
      continue;
    }
    what->query.reset();
    if (what->state() != IncidentState::kDismissed) {
      core.look_later(*what, "the observer could not look: " + input.error.what);
    }
  }
}

void ask_observations(Core& core) {
  for (auto& [id, device] : core.devices) {
    if (device.present && !device.observing && !device.to_observe.empty()) {
      ask(core, device);
    }
  }
}

}  // namespace pmend::engine
