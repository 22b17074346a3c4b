// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/backend.hpp"
#include "pmend/bus/bus_service.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pmend::testing {

// The rest of pmend, as far as the bus sees it: a few incidents in memory, of which approving and dismissing changes
// the state.
class FakeBackend final : public bus::BusBackend {
 public:
  void list_incidents(const bus::IncidentQuery& query, bus::Reply<bus::IncidentPage> reply) override;
  void get_incident(IncidentId id, bus::Reply<Incident> reply) override;
  void get_report(IncidentId id, bus::Reply<Report> reply) override;
  void explain(IncidentId id, bus::Reply<Json> reply) override;
  void locate(const protocol::LocateRequest& request, bus::Reply<protocol::LocateReply> reply) override;
  void openers(IncidentId id, bus::Reply<protocol::OpenersReply> reply) override;
  void endangered_files(const bus::FilesQuery& query, bus::Reply<bus::FilesPart> reply) override;
  void reload_policy(bus::Reply<std::vector<std::string>> reply) override;
  // Of /dev/pmem0, which is done when it was looked at once, and of /dev/slow0, which goes on until it is cancelled.
  void scrub(ScrubVerb verb, const std::string& device, const std::string& who, bus::Reply<bus::Done> reply) override;
  void get_scrub(const std::string& device, bus::Reply<bus::ScrubView> reply) override;
  void operate(const bus::OperatorCall& call, bus::Reply<bus::Done> reply) override;

  // What a call would do to the incident: the way to publish is the caller's.
  std::function<void(const Incident&)> publish = [](const Incident&) {};
  std::function<void(const bus::ManagerState&)> publish_state = [](const bus::ManagerState&) {};

  std::map<IncidentId, Incident> incidents;
  bus::ManagerState state{.observing = true, .policy_hash = std::string(64, 'b')};
  std::vector<bus::OperatorCall> operated;
  std::map<std::string, bus::ScrubView> scrubs;
  std::string scrubbed_by;
  std::vector<bus::IncidentQuery> queries;
  std::vector<std::string> policy_problems;
  // Taken instead of answering, to be answered later or never.
  std::optional<std::vector<bus::Reply<Incident>>> held_back;
  bool throws = false;

 private:
  bus::Answer<Incident*> find(IncidentId id);
  bus::Answer<bus::Done> change(const bus::OperatorCall& call);
  bus::Answer<bus::Done> change_incident(const bus::OperatorCall& call);
};

// Incident 7: held, of a file with two names, one of them not UTF-8. 8: repaired. 9: metadata, observed only. 10: a
// file whose name would steer a terminal.
std::map<IncidentId, Incident> sample_incidents();

}  // namespace pmend::testing
