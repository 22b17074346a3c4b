// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/call_desk.hpp"
#include "pmend/model/incident.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <cstdint>
#include <dbus/org.pmend1.Incident-adaptor.hpp>
#include <string>
#include <vector>

namespace pmend::bus {

// /org/pmend1/incident/N. Shows one open incident and passes on what callers want done with it.
class IncidentObject final : public sdbus::AdaptorInterfaces<org::pmend1::Incident_adaptor, sdbus::Properties_adaptor,
                                                             sdbus::ManagedObject_adaptor> {
 public:
  // Appears on the bus, and is announced.
  IncidentObject(sdbus::IConnection& connection, CallDesk& desk, Incident incident);
  IncidentObject(const IncidentObject&) = delete;
  IncidentObject& operator=(const IncidentObject&) = delete;
  virtual ~IncidentObject();

  const Incident& incident() const { return incident_; }
  // Announces the properties that changed.
  void update(const Incident& incident);

 private:
  void Approve(sdbus::Result<>&& result, std::string plan_hash) override;
  void Dismiss(sdbus::Result<>&& result) override;
  void Retry(sdbus::Result<>&& result) override;

  std::uint64_t Id() override { return incident_.id.value; }
  std::string State() override { return std::string(to_string(incident_.state)); }
  std::string Device() override { return bus_text(incident_.device); }
  std::string DeviceId() override { return bus_text(incident_.device_id); }
  std::uint64_t Offset() override { return incident_.device_range.offset; }
  std::uint64_t Length() override { return incident_.device_range.length; }
  std::vector<std::string> Sources() override { return bus_texts(incident_.sources); }
  std::string FirstSeen() override { return to_rfc3339(incident_.first_seen); }
  std::uint64_t Seen() override { return incident_.seen; }
  std::vector<Dict> Owners() override;
  Dict Plan() override;
  Dict Decision() override;
  std::uint64_t Job() override { return incident_.job ? incident_.job->value : 0; }
  Dict Medium() override;
  Dict Recurrence() override;
  std::string Outcome() override;
  std::string Reason() override { return bus_text(incident_.reason); }

  CallDesk& desk_;
  Incident incident_;
};

}  // namespace pmend::bus
