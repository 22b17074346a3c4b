// SPDX-License-Identifier: Apache-2.0
#include "support/chain.hpp"

#include "support/must.hpp"
#include "support/residue.hpp"
#include "support/waiting.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace pmend::world {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uid_t kNobody = 65534;
constexpr milliseconds kStartLimit{20'000};
constexpr milliseconds kLookAtAllAgain{300};  // at many incidents at once

// Everybody may own and send everything: pmend itself decides what who may do.
constexpr const char* kBusConfig = R"(<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%BUS%</listen><auth>EXTERNAL</auth>
<policy context="mandatory"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow send_type="signal"/>
<allow receive_sender="*"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/></policy></busconfig>
)";

void write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) {
    throw Failure("cannot write " + path);
  }
}

// The end of it, for messages.
std::string tail(const std::string& text) {
  constexpr std::size_t kMost = 4000;
  return text.size() <= kMost ? text : "…" + text.substr(text.size() - kMost);
}

std::string read_whole_text(const std::string& path) {
  return read_text_file(path, 64U << 20U).value_or("");
}

void make_directory(const std::string& path, uid_t owner) {
  must_call(mkdir(path.c_str(), 0755), "mkdir " + path);
  must_call(chown(path.c_str(), owner, owner), "chown " + path);
}

std::string described(const std::vector<json>& incidents) {
  std::string text;
  for (const json& incident : incidents) {
    text += "\n" + incident.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return text;
}

ByteRange device_range_of(const json& piece) {
  return {piece.at("device_offset").get<std::uint64_t>(), piece.at("length").get<std::uint64_t>()};
}

}  // namespace

PolicyFile default_policy() {
  return {"50-default.json", read_whole_text(PMEND_SOURCE_DIR "/config/policy.d/50-default.json")};
}

PolicyFile repair_all_policy() {
  return {"10-all.json",
          R"({"rules": [{"name": "all", "when": {"owner": "file"},
                         "then": {"action": "repair", "methods": ["redirty", "rewrite"]}}],
              "limits": {"repairs_per_hour": 1000000, "lost_bytes_per_day": 1000000000,
              "storm_incidents_per_hour": 1000000}})"};
}

Chain::Chain(const std::vector<World*>& worlds, const std::vector<PolicyFile>& policy, Lists lists) {
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  for (const char* name : {"state", "run"}) {
    make_directory(directory_ / name, kNobody);
  }
  for (const char* name : {"policy.d", "worker-run"}) {
    make_directory(directory_ / name, 0);
  }
  write_files(worlds, policy, lists);
}

Chain::~Chain() {
  pmend_.kill();
  kill_workers();
  (void)until(milliseconds(5000), [this] { return worker_processes().empty(); });
}

void Chain::write_files(const std::vector<World*>& worlds, const std::vector<PolicyFile>& policy, Lists lists) const {
  json devices = json::array();
  for (World* world : worlds) {
    json device = {{"device", world->loop().node()}};
    if (lists == Lists::kOfMedium) {
      device["badblocks"] = world->medium().badblocks_path();
    }
    devices.push_back(std::move(device));
  }
  write_text(directory_ / "pmend.json", json{{"auto", false}, {"devices", devices}}.dump());
  for (const PolicyFile& file : policy) {
    write_text(directory_ / ("policy.d/" + file.name), file.text);
  }
  std::string config = kBusConfig;
  config.replace(config.find("%BUS%"), 5, directory_ / "bus");
  write_text(directory_ / "bus.conf", config);
}

void Chain::set_config(const json& members) const {
  json config = json::parse(must(read_text_file(directory_ / "pmend.json")));
  config.update(members);
  write_text(directory_ / "pmend.json", config.dump());
}

void Chain::start() {
  start_bus();
  start_workers();
  start_pmend();
}

void Chain::start_bus() {
  bus_ = Child({"dbus-daemon", "--nofork", "--nopidfile", "--config-file=" + directory_ / "bus.conf"},
               {{}, {}, directory_ / "bus.log"});
  wait_for_socket(directory_ / "bus");
}

void Chain::start_workers(const std::vector<std::string>& environment) {
  const std::string socket = directory_ / "workers";
  listener_.kill();
  unlink(socket.c_str());
  listener_ = Child(
      {program_directory() + "/pmend-worker", "--listen", socket, "--config", directory_ / "pmend.json", "--spool-dir",
       spool_directory(), "--state-dir", directory_ / "state", "--runtime-dir", directory_ / "worker-run"},
      {{}, environment, directory_ / "workers.log"});
  wait_for_socket(socket);
}

void Chain::wait_for_socket(const std::string& path) const {
  if (!until(kStartLimit, [&path] { return std::filesystem::is_socket(path); })) {
    throw Failure("no socket " + path + "; the workers said: " + worker_log());
  }
  must_call(chmod(path.c_str(), 0666), "chmod " + path);
}

void Chain::start_pmend(const std::vector<std::string>& environment, Wait wait) {
  if (!bus_.started()) {
    start_bus();
  }
  const std::string number = std::to_string(kNobody);
  Arguments arguments = {"setpriv",
                         "--reuid=" + number,
                         "--regid=" + number,
                         "--clear-groups",
                         "--pdeathsig=KILL",
                         program_directory() + "/pmend",
                         "--config",
                         directory_ / "pmend.json",
                         "--policy-dir",
                         directory_ / "policy.d",
                         "--state-dir",
                         state_directory(),
                         "--runtime-dir",
                         directory_ / "run",
                         "--bus",
                         bus_address(),
                         "--worker",
                         "unix:" + directory_ / "workers",
                         "--log",
                         "stderr"};
  arguments.insert(arguments.end(), pmend_options_.begin(), pmend_options_.end());
  pmend_ = Child(arguments, {{}, environment, directory_ / "pmend.log"});
  if (wait == Wait::kUntilItAnswers && !until(kStartLimit, [this] { return try_ctl({"status"}).status == 0; })) {
    throw Failure("pmend does not answer; it said: " + tail(pmend_log()));
  }
}

std::vector<pid_t> Chain::worker_processes() const {
  return processes_naming(spool_directory());
}

void Chain::kill_workers() {
  listener_.kill();
  for (const pid_t pid : worker_processes()) {
    ::kill(pid, SIGKILL);
  }
}

CommandResult Chain::try_ctl(const Arguments& arguments) const {
  Arguments all = {program_directory() + "/pmendctl", "--bus", bus_address(), "--json"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_command(all);
}

json Chain::ctl(const Arguments& arguments) const {
  const CommandResult result = try_ctl(arguments);
  json value = json::parse(result.output, nullptr, false);
  if (result.status != 0 || value.is_discarded()) {
    throw Failure("pmendctl " + arguments.at(0) + " ended with " + std::to_string(result.status) + ": " +
                  result.output);
  }
  return value;
}

void Chain::wait_for_device(const std::string& device) const {
  const auto is_known = [&](const json& one) { return one.at("device") == device && one.at("list_complete") == true; };
  if (!until(kStartLimit, [&] { return std::ranges::any_of(ctl({"devices"}).at("devices"), is_known); })) {
    throw Failure(device + " is not watched; pmend said: " + tail(pmend_log()));
  }
}

std::vector<json> Chain::incidents() const {
  return ctl({"list", "--all"}).at("incidents");
}

json Chain::wait_for(const std::function<bool(const json&)>& wanted, milliseconds limit) const {
  std::optional<json> found;
  const bool came = until(limit, [&] {
    for (json& incident : incidents()) {
      if (wanted(incident)) {
        found = std::move(incident);
        return true;
      }
    }
    return false;
  });
  if (!came) {
    throw Failure("no such incident came; there are " + tail(described(incidents())) +
                  "\npmend said: " + tail(pmend_log()) + "\nthe workers said: " + tail(worker_log()));
  }
  return *found;
}

json Chain::wait_for_state(const std::string& device, const ByteRange& range, const std::string& state,
                           milliseconds limit) const {
  return wait_for(
      [&](const json& incident) {
        return incident.at("device") == device && range_of(incident).overlaps(range) && incident.at("state") == state;
      },
      limit);
}

void Chain::wait_until_all(const std::string& device, const RangeSet& ranges, const std::set<std::string>& states,
                           milliseconds limit) const {
  RangeSet left;
  const auto all_have_it = [&] {
    left = ranges;
    for (const json& incident : incidents()) {
      if (incident.at("device") == device && states.contains(incident.at("state"))) {
        left.erase(range_of(incident));
      }
    }
    return left.empty();
  };
  if (!until(limit, all_have_it, kLookAtAllAgain)) {
    throw Failure(std::to_string(left.total_bytes()) + " bytes of " + device + " are not " + *states.begin() +
                  " yet; there are " + tail(described(incidents())) + "\npmend said: " + tail(pmend_log()));
  }
}

Reported Chain::reported(const std::string& device) const {
  Reported all;
  for (const json& incident : incidents()) {
    if (incident.at("device") != device || incident.at("state") != "repaired") {
      continue;
    }
    const json& report = report_of(incident.at("id").get<std::uint64_t>());
    for (const json& piece : report.at("lost")) {
      all.lost.insert(device_range_of(piece));
    }
    for (const json& unit : report.at("units")) {
      all.written.push_back(device_range_of(unit));
    }
  }
  return all;
}

// That of a repaired incident is final.
const json& Chain::report_of(std::uint64_t incident) const {
  auto known = reports_.find(incident);
  if (known == reports_.end()) {
    known = reports_.emplace(incident, ctl({"report", std::to_string(incident)})).first;
  }
  return known->second;
}

std::string Chain::pmend_log() const {
  return read_whole_text(directory_ / "pmend.log");
}

std::string Chain::worker_log() const {
  return read_whole_text(directory_ / "workers.log");
}

ByteRange range_of(const json& incident) {
  return {incident.at("offset").get<std::uint64_t>(), incident.at("length").get<std::uint64_t>()};
}

}  // namespace pmend::world
