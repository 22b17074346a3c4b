// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/backend.hpp"
#include "pmend/device_views.hpp"
#include "pmend/engine/command.hpp"
#include "pmend/engine_driver.hpp"
#include "pmend/file_answers.hpp"
#include "pmend/observer_client.hpp"
#include "pmend/policy/policy.hpp"
#include "pmend/recorder.hpp"
#include "pmend/scrubs.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pmend::daemon {

// Answers callers on the bus: from the ledger what is remembered, from the observing worker what has to be looked up;
// and hands the engine what they want done.
class BusAnswers final : public bus::BusBackend {
 public:
  // All outlive it.
  struct Parts {
    EngineDriver& driver;
    Recorder& recorder;
    ObserverClient& observer;
    Scrubs& scrubs;
    const DeviceViews& devices;
    const Policy& policy;                              // in force
    std::function<std::vector<std::string>()> reload;  // the problems of what is not in force
  };
  explicit BusAnswers(Parts parts)
      : parts_(std::move(parts)), files_(parts_.recorder, parts_.observer, parts_.devices) {}

  void list_incidents(const bus::IncidentQuery& query, bus::Reply<bus::IncidentPage> reply) override;
  void get_incident(IncidentId id, bus::Reply<Incident> reply) override;
  void get_report(IncidentId id, bus::Reply<Report> reply) override;
  void explain(IncidentId id, bus::Reply<Json> reply) override;
  void locate(const protocol::LocateRequest& request, bus::Reply<protocol::LocateReply> reply) override;
  void openers(IncidentId id, bus::Reply<protocol::OpenersReply> reply) override;
  void endangered_files(const bus::FilesQuery& query, bus::Reply<bus::FilesPart> reply) override;
  void reload_policy(bus::Reply<std::vector<std::string>> reply) override;
  void scrub(ScrubVerb verb, const std::string& device, const std::string& who, bus::Reply<bus::Done> reply) override;
  void get_scrub(const std::string& device, bus::Reply<bus::ScrubView> reply) override;
  void operate(const bus::OperatorCall& call, bus::Reply<bus::Done> reply) override;

  // What the engine said to a request of operate().
  void take(const engine::ReplyOperator& answer);

 private:
  void rescan(const bus::OperatorCall& call, const bus::Reply<bus::Done>& reply);

  Parts parts_;
  FileAnswers files_;
  std::uint64_t last_operator_ = 0;
  std::map<engine::OperatorId, bus::Reply<bus::Done>> waiting_;
};

}  // namespace pmend::daemon
