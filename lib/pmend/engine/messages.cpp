// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/messages.hpp"

#include "pmend/base/range.hpp"
#include "pmend/base/text.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace pmend::engine {
namespace {

struct Message {
  IncidentState state;
  log::Level level;
  std::string_view id;
  std::string_view text;
};

// The ids are for ever: people's alerts name them.
constexpr std::array kMessages = {
    Message{IncidentState::kDetected, log::Level::kWarning, "3e9ff24a8052be909dbe9b05e77d9c30",
            "Incident {INCIDENT}: bad bytes on {DEVICE} at {RANGE}"},
    Message{IncidentState::kObserving, log::Level::kNotice, "6948eee15f614112946c529c5528dae9",
            "Incident {INCIDENT} on {DEVICE} is only watched: {REASON}"},
    Message{IncidentState::kHeld, log::Level::kWarning, "68baf91970d5114548ef8835ab4d2e9c",
            "Incident {INCIDENT} on {DEVICE} waits for a person: {REASON}"},
    Message{IncidentState::kBlocked, log::Level::kWarning, "1c121b8e324c623771e96f0274a40a57",
            "Incident {INCIDENT} on {DEVICE} cannot be repaired now: {REASON}"},
    Message{IncidentState::kRepairing, log::Level::kNotice, "f4c74955850a29d1a36dee46247eed89",
            "Incident {INCIDENT} on {DEVICE} is being repaired ({REASON})"},
    Message{IncidentState::kRepaired, log::Level::kNotice, "575e3b7299e65be7aeaa6204cb250845",
            "Incident {INCIDENT} on {DEVICE} is repaired and proven"},
    Message{IncidentState::kFailed, log::Level::kError, "407f071a3d8a9c16fcc6067657b7fbff",
            "Incident {INCIDENT} on {DEVICE} could not be repaired: {REASON}"},
    Message{IncidentState::kStuck, log::Level::kError, "a656dcff4a01aa7d72ef9176de94c8a3",
            "Incident {INCIDENT} on {DEVICE} is stuck: {REASON}"},
    Message{IncidentState::kIndeterminate, log::Level::kWarning, "2efa5560c8036cf0e912e0e8b7f1f95c",
            "Incident {INCIDENT} on {DEVICE}: nobody knows what a step did ({REASON}); looking again"},
    Message{IncidentState::kUnresolved, log::Level::kWarning, "1b264bfc517ed84937ffc68c4475daa7",
            "Incident {INCIDENT} on {DEVICE}: {REASON}"},
    Message{IncidentState::kCleared, log::Level::kNotice, "6eb20af1a6692694e6f57be70d9c4e99",
            "Incident {INCIDENT} on {DEVICE} is gone without pmend: {REASON}"},
    Message{IncidentState::kUnobservable, log::Level::kWarning, "86b95eef3519c833d80736542105f5e9",
            "Incident {INCIDENT} on {DEVICE} cannot be looked at: {REASON}"},
    Message{IncidentState::kDismissed, log::Level::kNotice, "d0d19bb0164634fef298a74550b9c7d8",
            "Incident {INCIDENT} on {DEVICE} was put away: {REASON}"},
};

std::vector<log::Field> fields_of(const Incident& incident) {
  std::vector<log::Field> fields = {{"INCIDENT", std::to_string(incident.id.value)},
                                    {"DEVICE", incident.device},
                                    {"RANGE", to_string(incident.device_range)},
                                    {"STATE", std::string(to_string(incident.state))},
                                    {"REASON", incident.reason}};
  if (incident.decision && !incident.decision->rule.empty()) {
    fields.push_back({"RULE", incident.decision->rule});
  }
  if (incident.job) {
    fields.push_back({"JOB", std::to_string(incident.job->value)});
  }
  if (incident.outcome) {
    fields.push_back({"OUTCOME", std::string(to_string(*incident.outcome))});
  }
  for (const Owner& owner : incident.owners) {
    if (!owner.paths.empty()) {
      fields.push_back({"PATH", escape_bytes(owner.paths.front().bytes)});
      break;
    }
  }
  return fields;
}

}  // namespace

std::optional<log::Record> message_of(const Case& what) {
  const auto message =
      std::find_if(kMessages.begin(), kMessages.end(), [&](const Message& row) { return row.state == what.state(); });
  if (message == kMessages.end()) {
    return std::nullopt;
  }
  std::vector<log::Field> fields = fields_of(what.incident);
  std::string text = log::expand(message->text, fields);
  return log::Record{message->level, std::move(text), std::string(message->id), std::move(fields)};
}

}  // namespace pmend::engine
