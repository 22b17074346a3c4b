// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/storming.hpp"

#include "pmend/engine/deciding.hpp"
#include "pmend/engine/messages.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

namespace pmend::engine {
namespace {

constexpr std::chrono::hours kWindow{1};

WallTime whole_seconds_of(const Core& core) {
  return std::chrono::floor<std::chrono::seconds>(core.wall);
}

std::uint64_t count_on(const Core& core, const std::string& medium) {
  std::uint64_t count = 0;
  for (const auto& [id, fresh] : core.fresh) {
    const auto device = core.devices.find(id);
    count += device != core.devices.end() && device->second.medium() == medium ? fresh.size() : 0;
  }
  return count;
}

std::vector<Device*> devices_on(Core& core, const std::string& medium) {
  std::vector<Device*> devices;
  for (auto& [id, device] : core.devices) {
    if (device.medium() == medium) {
      devices.push_back(&device);
    }
  }
  return devices;
}

void tell(Core& core, const Device& device, log::Level level, std::string_view id, std::string_view text,
          const std::vector<log::Field>& fields) {
  log::Record record{level, log::expand(text, fields), std::string(id), fields};
  core.change(ledger::Audit{whole_seconds_of(core), "storm", "pmend", std::nullopt, std::nullopt, record.text});
  put_device(core, device);
  core.deferred.emplace_back(Command(Log{std::move(record)}));
}

void begin_storm(Core& core, Device& device, const Storm& storm) {
  device.storm = storm;
  tell(core, device, log::Level::kError, kStormMessageId,
       "Errors spread on {DEVICE}: {COUNT} new incidents within an hour, the limit is {LIMIT}; nothing on it is "
       "repaired "
       "any more unless a person approves it (see pmendctl evacuate-list {DEVICE}; pmendctl resume {DEVICE} ends this)",
       {{"DEVICE", device.info.device},
        {"COUNT", std::to_string(storm.incidents)},
        {"LIMIT", std::to_string(storm.limit)}});
}

void end_storm(Core& core, Device& device, const std::string& why) {
  device.storm.reset();
  tell(core, device, log::Level::kNotice, kStormEndedMessageId, "{DEVICE} is repaired again by the policy: {REASON}",
       {{"DEVICE", device.info.device}, {"REASON", why}});
}

// What waits for its turn there goes where the storm sends it.
void hold_queued(Core& core, const std::string& medium) {
  for (auto& [id, what] : core.cases) {
    const Device* device = core.device_of(what);
    if (what.state() == IncidentState::kQueued && device != nullptr && device->medium() == medium &&
        storm_against(core, what)) {
      core.move(what, IncidentState::kDecided, "");
      decide(core, what);
    }
  }
}

}  // namespace

void watch_storms(Core& core) {
  const std::uint64_t limit = core.policy->limits().storm_incidents_per_hour;
  std::set<std::string> media;
  for (const auto& [id, fresh] : core.fresh) {
    if (const auto device = core.devices.find(id); device != core.devices.end()) {
      media.insert(device->second.medium());
    }
  }
  for (const std::string& medium : media) {
    const std::uint64_t count = count_on(core, medium);
    bool begun = false;
    for (Device* device : count > limit ? devices_on(core, medium) : std::vector<Device*>()) {
      if (!device->storm) {
        begin_storm(core, *device, {whole_seconds_of(core), count, limit});
        begun = true;
      }
    }
    if (begun) {
      hold_queued(core, medium);
    }
  }
}

std::optional<std::string> storm_against(const Core& core, const Case& what) {
  const auto device = core.devices.find(what.incident.device_id);
  if (device == core.devices.end() || !device->second.storm) {
    return std::nullopt;
  }
  const Storm& storm = *device->second.storm;
  if (is_approved(what) && what.approval->when >= storm.since) {
    return std::nullopt;
  }
  return "errors spread on this device: there were " + std::to_string(storm.incidents) +
         " new incidents within an hour, the limit is " + std::to_string(storm.limit) +
         "; approve it, or let repairs go on by pmendctl resume " + device->second.info.device;
}

void resume_medium(Core& core, const std::string& medium, const std::string& who) {
  for (Device* device : devices_on(core, medium)) {
    device->resumed = whole_seconds_of(core);
    if (device->storm) {
      end_storm(core, *device, "resumed by " + who);
    }
    core.fresh.erase(device->device_id);
  }
}

void end_storms_below_limit(Core& core) {
  const std::uint64_t limit = core.policy->limits().storm_incidents_per_hour;
  for (auto& [id, device] : core.devices) {
    if (device.storm && limit > device.storm->limit &&
        std::max(device.storm->incidents, count_on(core, device.medium())) <= limit) {
      end_storm(core, device, "the policy's limit is " + std::to_string(limit) + " now");
    }
  }
}

void note_past_incident(Core& core, const Device& device, const Incident& incident) {
  if (incident.first_seen > core.wall - kWindow && (!device.resumed || incident.first_seen > *device.resumed)) {
    core.fresh[device.device_id].push_back(incident.first_seen);
  }
}

void forget_old_incidents(Core& core) {
  for (auto& [id, fresh] : core.fresh) {
    std::erase_if(fresh, [&](const WallTime& when) { return when <= core.wall - kWindow; });
  }
  std::erase_if(core.fresh, [](const auto& device) { return device.second.empty(); });
}

void put_device(Core& core, const Device& device) {
  core.change(ledger::PutDevice{device.device_id, device.info.device, device.first_seen, whole_seconds_of(core),
                                device.storm, device.resumed});
}

}  // namespace pmend::engine
