// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/incident_object.hpp"

#include "bus/names.hpp"
#include "pmend/base/text.hpp"
#include "pmend/model/json_fields.hpp"

#include <exception>
#include <utility>

namespace pmend::bus {
namespace {

// The names of the properties that differ.
std::vector<std::string> changed_properties(const Incident& a, const Incident& b) {
  std::vector<std::string> changed;
  const auto note = [&](bool same, const char* name) {
    if (!same) {
      changed.emplace_back(name);
    }
  };
  note(a.state == b.state, "State");
  note(a.device == b.device, "Device");
  note(a.device_id == b.device_id, "DeviceId");
  note(a.device_range.offset == b.device_range.offset, "Offset");
  note(a.device_range.length == b.device_range.length, "Length");
  note(a.sources == b.sources, "Sources");
  note(a.first_seen == b.first_seen, "FirstSeen");
  note(a.seen == b.seen, "Seen");
  note(a.owners == b.owners, "Owners");
  note(a.plan == b.plan, "Plan");
  note(a.decision == b.decision, "Decision");
  note(a.job == b.job, "Job");
  note(a.outcome == b.outcome, "Outcome");
  note(a.reason == b.reason, "Reason");
  note(a.medium == b.medium, "Medium");
  note(a.recurrence == b.recurrence, "Recurrence");
  return changed;
}

}  // namespace

IncidentObject::IncidentObject(sdbus::IConnection& connection, CallDesk& desk, Incident incident)
    : AdaptorInterfaces(connection, incident_path(incident.id.value)), desk_(desk), incident_(std::move(incident)) {
  registerAdaptor();
  emitInterfacesAddedSignal();
}

IncidentObject::~IncidentObject() {
  try {
    emitInterfacesRemovedSignal();
  } catch (const std::exception&) {
    // The bus has gone, and with it everybody who could miss the signal.
  }
  unregisterAdaptor();
}

void IncidentObject::update(const Incident& incident) {
  const auto changed = changed_properties(incident_, incident);
  incident_ = incident;
  if (!changed.empty()) {
    emitPropertiesChangedSignal(kIncidentInterface, changed);
  }
}

void IncidentObject::Approve(sdbus::Result<>&& result, std::string plan_hash) {
  desk_.approve(getObject(), std::move(result), incident_.id, std::move(plan_hash));
}

void IncidentObject::Dismiss(sdbus::Result<>&& result) {
  desk_.operate(getObject(), std::move(result), {.verb = OperatorVerb::kDismiss, .incident = incident_.id});
}

void IncidentObject::Retry(sdbus::Result<>&& result) {
  desk_.operate(getObject(), std::move(result), {.verb = OperatorVerb::kRetry, .incident = incident_.id});
}

std::vector<Dict> IncidentObject::Owners() {
  std::vector<Dict> owners;
  for (const Owner& owner : incident_.owners) {
    owners.emplace_back(to_json(owner));
  }
  return owners;
}

Dict IncidentObject::Plan() {
  return incident_.plan ? Dict(to_json(*incident_.plan)) : Dict();
}

Dict IncidentObject::Decision() {
  return incident_.decision ? Dict(to_json(*incident_.decision)) : Dict();
}

Dict IncidentObject::Medium() {
  return incident_.medium ? Dict(to_json(*incident_.medium)) : Dict();
}

Dict IncidentObject::Recurrence() {
  return incident_.recurrence ? Dict(to_json(*incident_.recurrence)) : Dict();
}

std::string IncidentObject::Outcome() {
  return incident_.outcome ? std::string(to_string(*incident_.outcome)) : std::string();
}

}  // namespace pmend::bus
