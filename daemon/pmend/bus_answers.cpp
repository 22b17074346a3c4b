// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus_answers.hpp"

#include <optional>
#include <utility>

namespace pmend::daemon {
namespace {

using bus::Answer;
using bus::ErrorCode;
using protocol::ReplyError;

constexpr std::size_t kMostEarlier = 32;

tl::unexpected<bus::Failure> no_incident(IncidentId id) {
  return bus::refuse(ErrorCode::kNotFound, "there is no incident " + std::to_string(id.value));
}

Answer<IncidentDetail> detail_of(LedgerReader& reader, IncidentId id) {
  auto detail = reader.incident(id);
  if (!detail) {
    return tl::make_unexpected(bus::failure_of(detail.error()));
  }
  if (!*detail) {
    return no_incident(id);
  }
  return std::move(**detail);
}

Answer<Incident> incident_of(LedgerReader& reader, IncidentId id) {
  return detail_of(reader, id).map([](IncidentDetail&& detail) { return std::move(detail.incident.incident); });
}

// With what happened to its place before.
Answer<Incident> incident_with_past(LedgerReader& reader, IncidentId id) {
  auto incident = incident_of(reader, id);
  if (!incident || !incident->recurrence) {
    return incident;
  }
  auto earlier = reader.earlier({incident->device_id, incident->device_range, id}, kMostEarlier);
  if (!earlier) {
    return tl::make_unexpected(bus::failure_of(earlier.error()));
  }
  incident->earlier = std::move(*earlier);
  return incident;
}

// The latest one; before the first the incident as it is, of which nothing was lost yet.
Answer<Report> report_of(LedgerReader& reader, IncidentId id) {
  auto reports = reader.reports(id);
  if (!reports) {
    return tl::make_unexpected(bus::failure_of(reports.error()));
  }
  if (!reports->empty()) {
    return std::move(reports->back().report);
  }
  return detail_of(reader, id).map([](IncidentDetail&& detail) {
    Report report;
    report.incident = std::move(detail.incident.incident);
    if (detail.approval) {
      report.approval = std::move(detail.approval->approval);
    }
    return report;
  });
}

ErrorCode code_of(engine::OperatorError error) {
  switch (error) {
    case engine::OperatorError::kNotFound:
      return ErrorCode::kNotFound;
    case engine::OperatorError::kStalePlan:
      return ErrorCode::kStalePlan;
    case engine::OperatorError::kBusy:
      return ErrorCode::kBusy;
    case engine::OperatorError::kUnavailable:
      return ErrorCode::kUnavailable;
    case engine::OperatorError::kInvalid:
      return ErrorCode::kInvalid;
  }
  return ErrorCode::kUnavailable;
}

engine::OperatorVerb verb_of(bus::OperatorVerb verb) {
  switch (verb) {
    case bus::OperatorVerb::kApprove:
      return engine::OperatorVerb::kApprove;
    case bus::OperatorVerb::kDismiss:
      return engine::OperatorVerb::kDismiss;
    case bus::OperatorVerb::kRetry:
      return engine::OperatorVerb::kRetry;
    case bus::OperatorVerb::kPause:
      return engine::OperatorVerb::kPause;
    case bus::OperatorVerb::kResume:
      return engine::OperatorVerb::kResume;
    case bus::OperatorVerb::kResumeDevice:
      return engine::OperatorVerb::kResumeDevice;
    case bus::OperatorVerb::kRescan:
      return engine::OperatorVerb::kRescan;
  }
  return engine::OperatorVerb::kRescan;
}

Json rules_of(const PolicyExplanation& explanation) {
  return to_json(explanation).at("rules");
}

}  // namespace

void BusAnswers::list_incidents(const bus::IncidentQuery& query, bus::Reply<bus::IncidentPage> reply) {
  parts_.recorder.ask<bus::IncidentPage>(
      [query](LedgerReader& reader) -> Answer<bus::IncidentPage> {
        auto page = reader.list({query.states, query.device_id}, query.after, query.limit);
        if (!page) {
          return tl::make_unexpected(bus::failure_of(page.error()));
        }
        return bus::IncidentPage{std::move(page->incidents), page->next};
      },
      std::move(reply));
}

void BusAnswers::get_incident(IncidentId id, bus::Reply<Incident> reply) {
  parts_.recorder.ask<Incident>([id](LedgerReader& reader) { return incident_with_past(reader, id); },
                                std::move(reply));
}

void BusAnswers::openers(IncidentId id, bus::Reply<protocol::OpenersReply> reply) {
  parts_.recorder.ask<Incident>([id](LedgerReader& reader) { return incident_of(reader, id); },
                                bus::Reply<Incident>([this, reply](const Answer<Incident>& incident) {
                                  incident ? files_.openers(*incident, reply)
                                           : reply(tl::make_unexpected(incident.error()));
                                }));
}

void BusAnswers::endangered_files(const bus::FilesQuery& query, bus::Reply<bus::FilesPart> reply) {
  files_.endangered(query, reply);
}

void BusAnswers::get_report(IncidentId id, bus::Reply<Report> reply) {
  parts_.recorder.ask<Report>([id](LedgerReader& reader) { return report_of(reader, id); }, std::move(reply));
}

void BusAnswers::explain(IncidentId id, bus::Reply<Json> reply) {
  if (const auto explanation = parts_.driver.engine().explain(id)) {
    reply(rules_of(*explanation));
    return;
  }
  parts_.recorder.ask<Incident>(
      [id](LedgerReader& reader) { return incident_of(reader, id); },
      bus::Reply<Incident>([policy = parts_.policy, reply](const Answer<Incident>& incident) {
        reply(incident.map([&](const Incident& closed) { return rules_of(policy.explain(facts_of(closed))); }));
      }));
}

void BusAnswers::locate(const protocol::LocateRequest& request, bus::Reply<protocol::LocateReply> reply) {
  if (!parts_.observer.observing()) {
    reply(bus::refuse(ErrorCode::kUnavailable, "the observing worker is not there"));
    return;
  }
  parts_.observer.locate(request, [reply](tl::expected<protocol::LocateReply, ReplyError> located) {
    if (located) {
      reply(std::move(*located));
    } else {
      reply(tl::make_unexpected(failure_of(located.error())));
    }
  });
}

void BusAnswers::reload_policy(bus::Reply<std::vector<std::string>> reply) {
  reply(parts_.reload());
}

void BusAnswers::scrub(ScrubVerb verb, const std::string& device, const std::string& who, bus::Reply<bus::Done> reply) {
  if (!parts_.devices.contains(device)) {
    reply(bus::refuse(ErrorCode::kNotFound, device + " is not watched"));
    return;
  }
  reply(verb == ScrubVerb::kStart ? parts_.scrubs.start(device, who) : parts_.scrubs.cancel(device));
}

void BusAnswers::get_scrub(const std::string& device, bus::Reply<bus::ScrubView> reply) {
  reply(parts_.scrubs.view(device));
}

void BusAnswers::operate(const bus::OperatorCall& call, bus::Reply<bus::Done> reply) {
  if (call.verb == bus::OperatorVerb::kRescan && !call.device.empty()) {
    rescan(call, reply);
    return;
  }
  engine::OperatorRequest request{{++last_operator_}, verb_of(call.verb), std::nullopt,
                                  std::nullopt,       call.who,           std::nullopt};
  if (call.incident) {
    request.incident = call.incident;
  }
  if (call.verb == bus::OperatorVerb::kApprove) {
    request.plan_hash = call.plan_hash;
  }
  if (call.verb == bus::OperatorVerb::kResumeDevice) {
    request.device = call.device;
  }
  waiting_.emplace(request.request, std::move(reply));
  parts_.driver.put(std::move(request));
}

// To the engine this is a device of which something may have been missed.
void BusAnswers::rescan(const bus::OperatorCall& call, const bus::Reply<bus::Done>& reply) {
  if (!parts_.devices.contains(call.device)) {
    reply(bus::refuse(ErrorCode::kNotFound, call.device + " is not watched"));
    return;
  }
  parts_.driver.put(engine::Gap{{"operator", "asked for by " + call.who, call.device}});
  reply(bus::Done{});
}

void BusAnswers::take(const engine::ReplyOperator& answer) {
  const auto node = waiting_.extract(answer.request);
  if (node.empty()) {
    return;
  }
  if (answer.error) {
    node.mapped()(bus::refuse(code_of(*answer.error), answer.what));
  } else {
    node.mapped()(bus::Done{});
  }
}

}  // namespace pmend::daemon
