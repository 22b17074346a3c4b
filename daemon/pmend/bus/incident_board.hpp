// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/call_desk.hpp"
#include "pmend/bus/incident_object.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace pmend::bus {

// The open incidents as objects on the bus, the first kMaxExportedIncidents of them. The others wait; when there is
// room again the backend is asked for what they are now.
class IncidentBoard {
 public:
  IncidentBoard(sdbus::IConnection& connection, CallDesk& desk) : connection_(connection), desk_(desk) {}

  // Makes, changes or removes the object. Returns the state that was shown before, nothing for a new incident.
  std::optional<IncidentState> show(const Incident& incident);

  std::size_t open_count() const { return states_.size(); }
  // How many open incidents are in each state that occurs, by the state's name.
  std::map<std::string, std::uint64_t> count_by_state() const;

 private:
  void export_or_wait(const Incident& incident);
  void fill_up();

  sdbus::IConnection& connection_;
  CallDesk& desk_;
  std::map<IncidentId, IncidentState> states_;  // of all open incidents
  std::map<IncidentId, std::unique_ptr<IncidentObject>> objects_;
  std::set<IncidentId> waiting_;  // open without an object
  // Answers of the backend that come after the board has gone find no token.
  std::shared_ptr<IncidentBoard*> token_ = std::make_shared<IncidentBoard*>(this);
};

}  // namespace pmend::bus
