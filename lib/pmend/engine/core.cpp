// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/core.hpp"

#include "pmend/engine/transitions.hpp"
#include "pmend/engine/unit_runs.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace pmend::engine {
namespace {

// A way that the table does not have is a broken invariant of our own: end here, and go on from the ledger.
void require_allowed(const Case& what, IncidentState to) {
  if (!is_allowed(what.state(), to)) {
    std::fprintf(stderr, "pmend: incident %llu: %s to %s is not in the transition table\n",
                 static_cast<unsigned long long>(what.id().value), std::string(to_string(what.state())).c_str(),
                 std::string(to_string(to)).c_str());
    std::abort();
  }
}

WallTime whole_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

}  // namespace

std::chrono::seconds back_off(std::uint64_t failures) {
  constexpr std::array<std::int64_t, 3> kSeconds = {1, 10, 60};
  const std::uint64_t n = std::clamp<std::uint64_t>(failures, 1, kSeconds.size());
  return std::chrono::seconds(kSeconds.at(n - 1));
}

Case* Core::find(IncidentId id) {
  const auto it = cases.find(id);
  return it == cases.end() ? nullptr : &it->second;
}

Case* Core::find_by_query(QueryId id, IncidentId incident) {
  Case* what = find(incident);
  return what != nullptr && what->query == id ? what : nullptr;
}

Job* Core::find(JobId id) {
  const auto it = jobs.find(id);
  return it == jobs.end() ? nullptr : &it->second;
}

Device* Core::device_of(const Case& what) {
  const auto it = devices.find(what.incident.device_id);
  return it == devices.end() ? nullptr : &it->second;
}

QueryId Core::ask(std::string device_id, std::vector<IncidentId> incidents) {
  const QueryId id{next_query++};
  queries.emplace(id, Query{std::move(device_id), std::move(incidents), mounts_changes});
  return id;
}

std::optional<Query> Core::answered(QueryId id) {
  const auto it = queries.find(id);
  if (it == queries.end()) {
    return std::nullopt;
  }
  Query query = std::move(it->second);
  queries.erase(it);
  return query;
}

void Core::move(Case& what, IncidentState to, std::string reason) {
  if (what.state() != to) {
    require_allowed(what, to);
    what.incident.state = to;
  }
  what.incident.reason = std::move(reason);
  const Turn turn{-what.priority, what.id()};
  if (to == IncidentState::kQueued) {
    queued[what.incident.device_id].insert(turn);
  } else if (const auto queue = queued.find(what.incident.device_id); queue != queued.end()) {
    queue->second.erase(turn);
  }
  if (Device* device = device_of(what)) {
    if (to == IncidentState::kDismissed) {
      device->shelved.insert(what.id());
    } else {
      device->shelved.erase(what.id());
    }
  }
  touched.insert(what.id());
}

void Core::log(log::Level level, std::string_view text, std::initializer_list<log::Field> fields) {
  out.emplace_back(Log{log::make_record(level, text, fields)});
}

void Core::retry_at(Case& what, std::optional<SteadyTime> when) {
  if (what.retry_at) {
    retries.erase({*what.retry_at, what.id()});
  }
  what.retry_at = when;
  if (when) {
    retries.emplace(*when, what.id());
  }
}

void Core::reset(Case& what) {
  what.query.reset();
  what.plan.reset();
  what.refusal.reset();
  what.methods.clear();
  what.replans = 0;
  what.limited = false;
  what.incident.plan.reset();
  what.incident.decision.reset();
  to_plan.erase(what.id());
  if (Device* device = device_of(what)) {
    device->to_observe.erase(what.id());
  }
  retry_at(what, std::nullopt);
}

void Core::look_again(Case& what, std::string reason) {
  if (what.open_job) {
    what.query.reset();
    retry_at(what, std::nullopt);
    move(what, IncidentState::kIndeterminate, std::move(reason));
  } else {
    reset(what);
    move(what, IncidentState::kDetected, std::move(reason));
  }
  if (Device* device = device_of(what)) {
    device->to_observe.insert(what.id());
  }
}

void Core::look_later(Case& what, const std::string& reason) {
  if (++what.looks >= kMostLooks) {
    if (!what.open_job) {
      reset(what);
    }
    move(what, IncidentState::kUnobservable, reason);
    return;
  }
  look_again(what, reason);
  if (Device* device = device_of(what)) {
    device->to_observe.erase(what.id());
  }
  retry_at(what, steady + back_off(what.looks));
}

void Core::leave_unresolved(Case& what, std::string reason) {
  move(what, IncidentState::kUnresolved, std::move(reason));
  look_again_a_few_times(what);
}

void Core::look_again_a_few_times(Case& what) {
  if (++what.looks < kMostLooks) {
    retry_at(what, steady + back_off(what.looks));
  }
}

void Core::close(Case& what, IncidentState state, std::string reason) {
  what.query.reset();
  to_plan.erase(what.id());
  retry_at(what, std::nullopt);
  if (Device* device = device_of(what)) {
    device->to_observe.erase(what.id());
    device->by_offset.erase(what.incident.device_range.offset);
  }
  move(what, state, std::move(reason));
}

void Core::set_bad(Case& what, std::vector<ByteRange> bad) {
  Device* device = device_of(what);
  const ByteRange span = span_of(bad);
  if (device != nullptr) {
    const auto old = device->by_offset.find(what.incident.device_range.offset);
    if (old != device->by_offset.end() && old->second == what.id()) {
      device->by_offset.erase(old);
    }
    device->by_offset[span.offset] = what.id();
  }
  what.incident.device_range = span;
  what.memory.bad = std::move(bad);
  if (device != nullptr) {
    what.incident.medium = device->place_of(span);
    note_recurrence(*device, what);
  }
  touched.insert(what.id());
}

void Core::note_recurrence(const Device& device, Case& what) const {
  const auto before = device.past.find(what.memory.bad);
  what.memory.repairs = before ? before->repairs : 0;
  what.incident.recurrence.reset();
  if (before) {
    what.incident.recurrence = Recurrence{before->repairs, before->proven};
    what.incident.seen = std::max(what.incident.seen, before->seen + 1);
  }
}

Case& Core::add_case(Device& device, std::vector<ByteRange> bad) {
  const IncidentId id{next_incident++};
  Case& what = cases[id];
  what.incident.id = id;
  what.incident.device = device.info.device;
  what.incident.device_id = device.device_id;
  what.incident.first_seen = whole_seconds(wall);
  fresh[device.device_id].push_back(wall);
  what.incident.sources = device.sources_of(bad);
  set_bad(what, std::move(bad));
  look_again(what, what.memory.repairs > 0 ? "came back after a proven repair" : "");
  return what;
}

}  // namespace pmend::engine
