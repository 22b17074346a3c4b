// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/backend.hpp"
#include "pmend/bus/call_desk.hpp"
#include "pmend/bus/device_board.hpp"
#include "pmend/bus/incident_board.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <cstddef>
#include <cstdint>
#include <dbus/org.pmend1.Manager-adaptor.hpp>
#include <string>
#include <vector>

namespace pmend::bus {

// /org/pmend1: what pmend does as a whole, and the way to every incident.
class ManagerObject final : public sdbus::AdaptorInterfaces<org::pmend1::Manager_adaptor, sdbus::ObjectManager_adaptor,
                                                            sdbus::Properties_adaptor> {
 public:
  // What it shows besides its own state. All outlive it.
  struct Parts {
    CallDesk& desk;
    const IncidentBoard& incidents;
    const DeviceBoard& devices;
    std::string version;
  };

  ManagerObject(sdbus::IConnection& connection, Parts parts);
  ManagerObject(const ManagerObject&) = delete;
  ManagerObject& operator=(const ManagerObject&) = delete;
  virtual ~ManagerObject() { unregisterAdaptor(); }

  void update(const ManagerState& state);
  // Announces the transition of an incident that is on the board already, and how many are open now.
  void announce(IncidentId id, const std::string& old_state, const std::string& new_state);

 private:
  void Status(sdbus::Result<Dict>&& result) override;
  void ListDevices(sdbus::Result<std::vector<Dict>>&& result) override;
  void ListIncidents(sdbus::Result<std::vector<Dict>, std::string>&& result, Dict filter, std::uint32_t limit,
                     std::string cursor) override;
  void GetIncident(sdbus::Result<Dict>&& result, std::uint64_t id) override;
  void GetReport(sdbus::Result<Dict>&& result, std::uint64_t id) override;
  void Explain(sdbus::Result<std::vector<Dict>>&& result, std::uint64_t id) override;
  void Locate(sdbus::Result<Dict>&& result, std::string device, std::uint64_t offset, std::uint64_t length) override;
  void LocateRanges(sdbus::Result<Dict>&& result, std::string device, std::vector<std::uint64_t> offsets,
                    std::vector<std::uint64_t> lengths) override;
  void LocatePath(sdbus::Result<Dict>&& result, std::vector<std::uint8_t> path) override;
  void Approve(sdbus::Result<>&& result, std::uint64_t id, std::string plan_hash) override;
  void Dismiss(sdbus::Result<>&& result, std::uint64_t id) override;
  void Retry(sdbus::Result<>&& result, std::uint64_t id) override;
  void Pause(sdbus::Result<>&& result) override;
  void Resume(sdbus::Result<>&& result) override;
  void ResumeDevice(sdbus::Result<>&& result, std::string device) override;
  void GetOpeners(sdbus::Result<std::vector<Dict>>&& result, std::uint64_t id) override;
  void ListEndangeredFiles(sdbus::Result<std::vector<Dict>, std::vector<std::string>, std::string>&& result,
                           std::string device, bool all, std::string cursor) override;
  void Rescan(sdbus::Result<>&& result, std::string device) override;
  void Scrub(sdbus::Result<>&& result, std::string device) override;
  void CancelScrub(sdbus::Result<>&& result, std::string device) override;
  void GetScrub(sdbus::Result<Dict>&& result, std::string device) override;
  void ReloadPolicy(sdbus::Result<std::vector<std::string>>&& result) override;

  std::string Version() override { return parts_.version; }
  std::string State() override { return std::string(to_string(state_.state)); }
  std::string StateReason() override { return bus_text(state_.reason); }
  bool Observing() override { return state_.observing; }
  std::uint64_t OpenIncidents() override { return parts_.incidents.open_count(); }
  std::string PolicyHash() override { return state_.policy_hash; }
  std::vector<std::string> PolicyProblems() override { return bus_texts(state_.policy_problems); }
  std::vector<std::string> Notices() override { return bus_texts(state_.notices); }
  std::vector<Dict> Storms() override;

  void scrub(sdbus::Result<>&& result, BusBackend::ScrubVerb verb, const std::string& device);
  void locate(sdbus::Result<Dict>&& result, const Answer<protocol::LocateRequest>& request);
  Json status() const;
  Json storms() const;

  Parts parts_;
  ManagerState state_;
  std::size_t announced_open_ = 0;
};

}  // namespace pmend::bus
