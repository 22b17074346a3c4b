// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/incident.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/report.hpp"

#include <iosfwd>
#include <string>
#include <vector>

// Incidents and their reports in plain words.
namespace pmend::ctl {

void print_incident_table(std::ostream& out, const std::vector<Incident>& incidents);
// All that is known of one incident.
void print_incident(std::ostream& out, const Incident& incident);
// Which file, which bytes: what was lost, salvaged and restored, and the proof.
void print_report(std::ostream& out, const Report& report);
// "incident 7 on /dev/pmem0: detected -> held, /srv/a": what `watch` says.
std::string transition_text(const Incident& incident, const std::string& old_state, const std::string& new_state);
void print_location(std::ostream& out, const protocol::LocateReply& location);

}  // namespace pmend::ctl
