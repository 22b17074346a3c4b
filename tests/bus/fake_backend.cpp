// SPDX-License-Identifier: Apache-2.0
#include "fake_backend.hpp"

#include "pmend/policy/policy.hpp"
#include "samples.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace pmend::testing {

using bus::Answer;
using bus::Done;
using bus::ErrorCode;
using bus::OperatorVerb;
using bus::Reply;

Answer<Incident*> FakeBackend::find(IncidentId id) {
  if (throws) {
    throw std::runtime_error("the backend threw");
  }
  const auto found = incidents.find(id);
  if (found == incidents.end()) {
    return bus::refuse(ErrorCode::kNotFound, "no incident " + std::to_string(id.value));
  }
  return &found->second;
}

void FakeBackend::list_incidents(const bus::IncidentQuery& query, Reply<bus::IncidentPage> reply) {
  queries.push_back(query);
  bus::IncidentPage page;
  for (const auto& [id, incident] : incidents) {
    const bool in_state = query.states.empty() ||
                          std::find(query.states.begin(), query.states.end(), incident.state) != query.states.end();
    const bool on_device = !query.device_id || *query.device_id == incident.device_id;
    if (id <= query.after || !in_state || !on_device) {
      continue;
    }
    if (page.incidents.size() == query.limit) {
      page.next = page.incidents.back().id;
      break;
    }
    page.incidents.push_back(incident);
  }
  reply(std::move(page));
}

void FakeBackend::get_incident(IncidentId id, Reply<Incident> reply) {
  if (held_back) {
    held_back->push_back(std::move(reply));
    return;
  }
  reply(find(id).map([](const Incident* incident) { return *incident; }));
}

void FakeBackend::get_report(IncidentId id, Reply<Report> reply) {
  reply(find(id).map([](const Incident* incident) {
    Report report = samples::report();
    report.incident = *incident;
    if (incident->state != IncidentState::kRepaired) {
      report = Report{.incident = *incident};
    }
    return report;
  }));
}

void FakeBackend::explain(IncidentId id, Reply<Json> reply) {
  reply(find(id).map([](const Incident*) {
    const RuleExplanation asks{.rule = "postgres-asks",
                               .where = "10-database.json:4:5",
                               .action = Action::kHold,
                               .matches = true,
                               .decides = true,
                               .name = FilePath{"/srv/b\xFF"},
                               .findings = {{"path", Truth::kYes, "matches /srv/**"}}};
    const RuleExplanation rest{.rule = "rest", .where = "50-default.json:9:5", .action = Action::kObserve};
    return Json::array({to_json(asks), to_json(rest)});
  }));
}

void FakeBackend::locate(const protocol::LocateRequest& request, Reply<protocol::LocateReply> reply) {
  if (request.path && request.path->bytes != "/srv/a" && request.path->bytes != "/srv/b\xFF") {
    reply(bus::refuse(ErrorCode::kNotFound, "no such file"));
    return;
  }
  protocol::LocateReply location{.device = samples::device_info(), .owners = {samples::file_owner()}, .bad = {}};
  location.bad.push_back(location.owners.front().device_range);
  reply(std::move(location));
}

void FakeBackend::openers(IncidentId id, Reply<protocol::OpenersReply> reply) {
  reply(find(id).map([](const Incident* incident) {
    protocol::OpenersReply openers;
    for (const Owner& owner : incident->owners) {
      if (owner.file) {
        openers.files.push_back({*owner.file, {{4711, "post\xFFgres", "postgresql.service", true}}});
      }
    }
    return openers;
  }));
}

// In two parts, of which the second has another incident of the same file.
void FakeBackend::endangered_files(const bus::FilesQuery& query, Reply<bus::FilesPart> reply) {
  const Owner owner = samples::file_owner();
  bus::FilesPart part;
  if (query.all) {
    part.files.push_back({{}, {}, {}, {{query.cursor.empty() ? "/srv/a" : "/srv/b\xFF\n"}}, {}});
    part.not_seen = query.cursor.empty() ? std::vector<std::string>{} : std::vector<std::string>{"something"};
  } else if (query.device == samples::device_info().device_id) {
    const IncidentId id{query.cursor.empty() ? 7U : 9U};
    part.files.push_back({owner.filesystem, owner.file->inode, owner.file->generation, owner.paths, {id}});
  }
  part.next = query.cursor.empty() && !part.files.empty() ? "more" : "";
  reply(std::move(part));
}

void FakeBackend::reload_policy(Reply<std::vector<std::string>> reply) {
  reply(policy_problems);
}

void FakeBackend::scrub(ScrubVerb verb, const std::string& device, const std::string& who, Reply<Done> reply) {
  if (device != "/dev/pmem0" && device != "/dev/slow0") {
    reply(bus::refuse(ErrorCode::kNotFound, device + " is not watched"));
    return;
  }
  const auto found = scrubs.find(device);
  const bool running = found != scrubs.end() && found->second.state == bus::ScrubState::kRunning;
  if (running == (verb == ScrubVerb::kStart)) {
    reply(running ? bus::refuse(ErrorCode::kBusy, "a scrub is under way")
                  : bus::refuse(ErrorCode::kNotFound, "no scrub is under way"));
    return;
  }
  scrubbed_by = who;
  if (verb == ScrubVerb::kStart) {
    scrubs[device] = {.device = device, .size = 1U << 30U, .done = 4096};
  } else {
    scrubs[device].state = bus::ScrubState::kCancelled;
  }
  reply(Done{});
}

void FakeBackend::get_scrub(const std::string& device, Reply<bus::ScrubView> reply) {
  const auto found = scrubs.find(device);
  if (found == scrubs.end()) {
    reply(bus::refuse(ErrorCode::kNotFound, "no scrub of " + device));
    return;
  }
  bus::ScrubView& view = found->second;
  reply(view);
  if (device == "/dev/pmem0") {
    view.state = bus::ScrubState::kDone;
    view.done = view.size;
    view.found = samples::scrub_reply();
  }
}

void FakeBackend::operate(const bus::OperatorCall& call, Reply<Done> reply) {
  operated.push_back(call);
  reply(change(call));
}

Answer<Done> FakeBackend::change(const bus::OperatorCall& call) {
  switch (call.verb) {
    case OperatorVerb::kApprove:
    case OperatorVerb::kDismiss:
    case OperatorVerb::kRetry:
      return change_incident(call);
    case OperatorVerb::kPause:
    case OperatorVerb::kResume:
      state.state = call.verb == OperatorVerb::kPause ? bus::RunState::kPaused : bus::RunState::kRunning;
      publish_state(state);
      return Done{};
    case OperatorVerb::kResumeDevice:
      if (call.device != "/dev/pmem0") {
        return bus::refuse(ErrorCode::kNotFound, "no such device");
      }
      state.storms.clear();
      publish_state(state);
      return Done{};
    case OperatorVerb::kRescan:
      return Done{};
  }
  return Done{};
}

Answer<Done> FakeBackend::change_incident(const bus::OperatorCall& call) {
  const auto found = find(call.incident);
  if (!found) {
    return tl::make_unexpected(found.error());
  }
  Incident& incident = **found;
  if (call.verb == OperatorVerb::kApprove) {
    if (incident.state != IncidentState::kHeld) {
      return bus::refuse(ErrorCode::kInvalid, "it is not held");
    }
    if (incident.plan->hash != call.plan_hash) {
      return bus::refuse(ErrorCode::kStalePlan, "the plan has changed");
    }
  }
  incident.state = call.verb == OperatorVerb::kApprove   ? IncidentState::kQueued
                   : call.verb == OperatorVerb::kDismiss ? IncidentState::kDismissed
                                                         : IncidentState::kDetected;
  incident.reason = "as " + call.who + " said";
  publish(incident);
  return Done{};
}

std::map<IncidentId, Incident> sample_incidents() {
  std::map<IncidentId, Incident> incidents;
  Incident incident = samples::incident();
  incidents[incident.id] = incident;

  incident.id = {8};
  incident.state = IncidentState::kRepaired;
  incident.outcome = Outcome::kSucceeded;
  incidents[incident.id] = incident;

  const FileSystemRef ext4{.type = "ext4", .uuid = "u", .mount_point = "/mnt"};
  incidents[{9}] = {.id = {9},
                    .state = IncidentState::kObserving,
                    .device = "/dev/loop3",
                    .device_id = "loop:3",
                    .device_range = {4096, 512},
                    .sources = {"list"},
                    .first_seen = incident.first_seen,
                    .owners = {{.kind = OwnerKind::kMetadata,
                                .filesystem = ext4,
                                .device_range = {4096, 512},
                                .detail = "inode table"}},
                    .reason = "metadata is never written"};

  incidents[{10}] = incidents[{9}];
  incidents[{10}].id = {10};
  incidents[{10}].owners = {samples::file_owner()};
  incidents[{10}].owners.front().paths = {{"/mnt/\x1B[2J\n\xE2\x80\xAE.txt"}};
  return incidents;
}

}  // namespace pmend::testing
