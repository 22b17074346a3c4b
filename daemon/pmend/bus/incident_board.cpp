// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/incident_board.hpp"

#include "bus/names.hpp"
#include "pmend/bus/arguments.hpp"

namespace pmend::bus {

std::optional<IncidentState> IncidentBoard::show(const Incident& incident) {
  const auto known = states_.find(incident.id);
  const auto before = known == states_.end() ? std::nullopt : std::optional(known->second);
  if (const auto object = objects_.find(incident.id); object != objects_.end()) {
    object->second->update(incident);  // also to its last state, before it goes
  }
  if (is_open(incident.state)) {
    states_[incident.id] = incident.state;
    export_or_wait(incident);
  } else {
    states_.erase(incident.id);
    waiting_.erase(incident.id);
    objects_.erase(incident.id);
    fill_up();
  }
  return before;
}

std::map<std::string, std::uint64_t> IncidentBoard::count_by_state() const {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [id, state] : states_) {
    ++counts[std::string(to_string(state))];
  }
  return counts;
}

void IncidentBoard::export_or_wait(const Incident& incident) {
  if (objects_.contains(incident.id)) {
    return;
  }
  if (objects_.size() >= kMaxExportedIncidents) {
    waiting_.insert(incident.id);
    return;
  }
  objects_.emplace(incident.id, std::make_unique<IncidentObject>(connection_, desk_, incident));
  waiting_.erase(incident.id);
}

void IncidentBoard::fill_up() {
  if (waiting_.empty() || objects_.size() >= kMaxExportedIncidents) {
    return;
  }
  const IncidentId next = *waiting_.begin();
  waiting_.erase(waiting_.begin());  // before the answer, so that it is asked for once; it waits again if there is none
  const std::weak_ptr<IncidentBoard*> token = token_;
  desk_.backend().get_incident(next, Reply<Incident>([token, next](const Answer<Incident>& answer) {
                                 const auto board = token.lock();
                                 if (!board || !(*board)->states_.contains(next)) {
                                   return;  // closed meanwhile
                                 }
                                 if (answer && is_open(answer->state)) {
                                   (*board)->export_or_wait(*answer);
                                 } else {
                                   (*board)->waiting_.insert(next);
                                 }
                               }));
}

}  // namespace pmend::bus
