// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/manager_object.hpp"

#include "bus/names.hpp"
#include "pmend/bus/arguments.hpp"
#include "pmend/model/json_fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace pmend::bus {
namespace {

std::vector<std::string> changed_properties(const ManagerState& a, const ManagerState& b) {
  std::vector<std::string> changed;
  const auto note = [&](bool same, const char* name) {
    if (!same) {
      changed.emplace_back(name);
    }
  };
  note(a.state == b.state, "State");
  note(a.reason == b.reason, "StateReason");
  note(a.observing == b.observing, "Observing");
  note(a.policy_hash == b.policy_hash, "PolicyHash");
  note(a.policy_problems == b.policy_problems, "PolicyProblems");
  note(a.storms == b.storms, "Storms");
  note(a.notices == b.notices, "Notices");
  return changed;
}

std::vector<Dict> to_dicts(const Json& array) {
  std::vector<Dict> dicts;
  for (const Json& element : array) {
    dicts.emplace_back(element);
  }
  return dicts;
}

// As many as fit into one answer, and where to go on.
template <class Call>
void answer_page(const Call& call, const IncidentPage& page) {
  std::vector<Dict> dicts;
  const std::size_t count = fitting(page.incidents);
  for (std::size_t i = 0; i < count; ++i) {
    dicts.emplace_back(to_json(page.incidents[i]));
  }
  const bool all = count == page.incidents.size();
  call.answer(dicts, to_cursor(all ? page.next : std::optional(page.incidents[count - 1].id)));
}

constexpr auto kAnswerDict = [](const auto& call, const auto& value) { call.answer(Dict(to_json(value))); };

}  // namespace

ManagerObject::ManagerObject(sdbus::IConnection& connection, Parts parts)
    : AdaptorInterfaces(connection, kRootPath), parts_(std::move(parts)) {
  registerAdaptor();
}

void ManagerObject::update(const ManagerState& state) {
  const auto changed = changed_properties(state_, state);
  state_ = state;
  if (!changed.empty()) {
    emitPropertiesChangedSignal(kManagerInterface, changed);
  }
}

void ManagerObject::announce(IncidentId id, const std::string& old_state, const std::string& new_state) {
  emitIncidentChanged(id.value, old_state, new_state);
  if (announced_open_ != parts_.incidents.open_count()) {
    announced_open_ = parts_.incidents.open_count();
    emitPropertiesChangedSignal(kManagerInterface, {"OpenIncidents"});
  }
}

Json ManagerObject::status() const {
  return {{"pmend_version", parts_.version},
          {"state", to_string(state_.state)},
          {"reason", state_.reason},
          {"observing", state_.observing},
          {"devices", parts_.devices.size()},
          {"open_incidents", parts_.incidents.open_count()},
          {"states", parts_.incidents.count_by_state()},
          {"policy_hash", state_.policy_hash},
          {"policy_problems", state_.policy_problems},
          {"storms", storms()},
          {"notices", state_.notices}};
}

Json ManagerObject::storms() const {
  Json all = Json::array();
  for (const auto& [device, storm] : state_.storms) {
    Json one = to_json(storm);
    one.emplace("device", device);
    all.push_back(std::move(one));
  }
  return all;
}

std::vector<Dict> ManagerObject::Storms() {
  return to_dicts(storms());
}

void ManagerObject::Status(sdbus::Result<Dict>&& result) {
  parts_.desk.take(std::move(result), [&](const auto& call) { call.answer(Dict(status())); });
}

void ManagerObject::ListDevices(sdbus::Result<std::vector<Dict>>&& result) {
  parts_.desk.take(std::move(result), [&](const auto& call) { call.answer(parts_.devices.list()); });
}

void ManagerObject::ListIncidents(sdbus::Result<std::vector<Dict>, std::string>&& result, Dict filter,
                                  std::uint32_t limit, std::string cursor) {
  parts_.desk.take(std::move(result), [&](const auto& call) {
    auto query = parse_query(filter.json, limit, cursor);
    if (!query) {
      call.fail(query.error());
      return;
    }
    if (query->device_id) {
      query->device_id = parts_.devices.id_of(*query->device_id);
    }
    parts_.desk.backend().list_incidents(
        *query, parts_.desk.reply_to<IncidentPage>(
                    call, [](const auto& waiting, const IncidentPage& page) { answer_page(waiting, page); }));
  });
}

void ManagerObject::GetIncident(sdbus::Result<Dict>&& result, std::uint64_t id) {
  parts_.desk.take(std::move(result), [&](const auto& call) {
    parts_.desk.backend().get_incident({id}, parts_.desk.reply_to<Incident>(call, kAnswerDict));
  });
}

void ManagerObject::GetReport(sdbus::Result<Dict>&& result, std::uint64_t id) {
  parts_.desk.take(std::move(result), [&](const auto& call) {
    parts_.desk.backend().get_report({id}, parts_.desk.reply_to<Report>(call, kAnswerDict));
  });
}

void ManagerObject::Explain(sdbus::Result<std::vector<Dict>>&& result, std::uint64_t id) {
  parts_.desk.take(std::move(result), [&](const auto& call) {
    parts_.desk.backend().explain({id}, parts_.desk.reply_to<Json>(call, [](const auto& waiting, const Json& rules) {
      waiting.answer(to_dicts(rules));
    }));
  });
}

void ManagerObject::Locate(sdbus::Result<Dict>&& result, std::string device, std::uint64_t offset,
                           std::uint64_t length) {
  locate(std::move(result), parse_range(device, offset, length));
}

void ManagerObject::LocateRanges(sdbus::Result<Dict>&& result, std::string device, std::vector<std::uint64_t> offsets,
                                 std::vector<std::uint64_t> lengths) {
  locate(std::move(result), parse_ranges(device, offsets, lengths));
}

void ManagerObject::LocatePath(sdbus::Result<Dict>&& result, std::vector<std::uint8_t> path) {
  locate(std::move(result), parse_path(path));
}

// The privileged worker looks into any directory and walks whole file systems for this, so it is not for everybody.
void ManagerObject::locate(sdbus::Result<Dict>&& result, const Answer<protocol::LocateRequest>& request) {
  parts_.desk.take_from_root(
      getObject(), std::move(result), [&desk = parts_.desk, request](const auto& call, const std::string& /*who*/) {
        if (request) {
          desk.backend().locate(*request, desk.reply_to<protocol::LocateReply>(call, kAnswerDict));
        } else {
          call.fail(request.error());
        }
      });
}

void ManagerObject::Approve(sdbus::Result<>&& result, std::uint64_t id, std::string plan_hash) {
  parts_.desk.approve(getObject(), std::move(result), {id}, std::move(plan_hash));
}

void ManagerObject::Dismiss(sdbus::Result<>&& result, std::uint64_t id) {
  parts_.desk.operate(getObject(), std::move(result), {.verb = OperatorVerb::kDismiss, .incident = {id}});
}

void ManagerObject::Retry(sdbus::Result<>&& result, std::uint64_t id) {
  parts_.desk.operate(getObject(), std::move(result), {.verb = OperatorVerb::kRetry, .incident = {id}});
}

void ManagerObject::Pause(sdbus::Result<>&& result) {
  parts_.desk.operate(getObject(), std::move(result), {.verb = OperatorVerb::kPause});
}

void ManagerObject::Resume(sdbus::Result<>&& result) {
  parts_.desk.operate(getObject(), std::move(result), {.verb = OperatorVerb::kResume});
}

void ManagerObject::ResumeDevice(sdbus::Result<>&& result, std::string device) {
  parts_.desk.operate(getObject(), std::move(result),
                      {.verb = OperatorVerb::kResumeDevice, .device = std::move(device)});
}

// Both make the privileged worker look, at processes and through directories, so they are not for everybody.
void ManagerObject::GetOpeners(sdbus::Result<std::vector<Dict>>&& result, std::uint64_t id) {
  parts_.desk.take_from_root(
      getObject(), std::move(result), [&desk = parts_.desk, id](const auto& call, const std::string& /*who*/) {
        desk.backend().openers({id},
                               desk.reply_to<protocol::OpenersReply>(call, [](const auto& waiting, const auto& reply) {
                                 waiting.answer(to_dicts(to_json(reply).at("files")));
                               }));
      });
}

void ManagerObject::ListEndangeredFiles(
    sdbus::Result<std::vector<Dict>, std::vector<std::string>, std::string>&& result, std::string device, bool all,
    std::string cursor) {
  const FilesQuery query{all ? std::move(device) : parts_.devices.id_of(device), all, std::move(cursor)};
  parts_.desk.take_from_root(
      getObject(), std::move(result), [&desk = parts_.desk, query](const auto& call, const std::string& /*who*/) {
        desk.backend().endangered_files(
            query, desk.reply_to<FilesPart>(call, [](const auto& waiting, const FilesPart& part) {
              waiting.answer(to_dicts(pmend::to_json(part.files)), bus_texts(part.not_seen), part.next);
            }));
      });
}

void ManagerObject::Rescan(sdbus::Result<>&& result, std::string device) {
  if (!device.empty() && !parts_.devices.contains(device)) {
    parts_.desk.take(std::move(result), [&](const auto& call) {
      call.fail({ErrorCode::kNotFound, "device " + device + " is not watched"});
    });
    return;
  }
  parts_.desk.operate(getObject(), std::move(result), {.verb = OperatorVerb::kRescan, .device = std::move(device)});
}

void ManagerObject::scrub(sdbus::Result<>&& result, BusBackend::ScrubVerb verb, const std::string& device) {
  parts_.desk.take_from_root(
      getObject(), std::move(result), [&desk = parts_.desk, verb, device](const auto& call, const std::string& who) {
        desk.backend().scrub(verb, device, who,
                             desk.reply_to<Done>(call, [](const auto& waiting, const Done&) { waiting.answer(); }));
      });
}

void ManagerObject::Scrub(sdbus::Result<>&& result, std::string device) {
  scrub(std::move(result), BusBackend::ScrubVerb::kStart, device);
}

void ManagerObject::CancelScrub(sdbus::Result<>&& result, std::string device) {
  scrub(std::move(result), BusBackend::ScrubVerb::kCancel, device);
}

void ManagerObject::GetScrub(sdbus::Result<Dict>&& result, std::string device) {
  parts_.desk.take(std::move(result), [&](const auto& call) {
    parts_.desk.backend().get_scrub(device, parts_.desk.reply_to<ScrubView>(call, kAnswerDict));
  });
}

void ManagerObject::ReloadPolicy(sdbus::Result<std::vector<std::string>>&& result) {
  parts_.desk.take_from_root(
      getObject(), std::move(result), [&desk = parts_.desk](const auto& call, const std::string& /*who*/) {
        desk.backend().reload_policy(desk.reply_to<std::vector<std::string>>(
            call, [](const auto& waiting, const auto& problems) { waiting.answer(bus_texts(problems)); }));
      });
}

}  // namespace pmend::bus
