// SPDX-License-Identifier: Apache-2.0
#include "kernel/chain/crash_rig.hpp"

#include "pmend/ledger/reader.hpp"
#include "pmend/model/json_text.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

namespace pmend::world {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLookAgain{10};
constexpr int kMostEvictions = 5;
// No boundary is passed for so long.
constexpr milliseconds kQuiet{1500};
constexpr milliseconds kPatience{60'000};

struct Passed {
  std::string role;
  int number = 0;
  pid_t pid = 0;
  std::string name;
};

std::vector<Passed> read_log(const std::string& path) {
  std::vector<Passed> all;
  std::ifstream lines(path);
  Passed line;
  while (lines >> line.role >> line.number >> line.pid && std::getline(lines >> std::ws, line.name)) {
    all.push_back(line);
  }
  return all;
}

// The letter of proc_pid_stat(5), behind the name in parentheses; '-' if the process is gone.
char state_of(pid_t pid) {
  const std::string text = read_text_file("/proc/" + std::to_string(pid) + "/stat").value_or("");
  const std::size_t name_end = text.rfind(") ");
  return name_end == std::string::npos ? '-' : text.at(name_end + 2);
}

bool is_alive(pid_t pid) {
  const char state = state_of(pid);
  return state != '-' && state != 'Z' && state != 'X';
}

// Writable for all, as pmend and the workers are different users.
void make_open_directory(const std::string& path) {
  must_call(mkdir(path.c_str(), 0700), "mkdir " + path);
  must_call(chmod(path.c_str(), 0777), "chmod " + path);
}

void make_open_file(const std::string& path) {
  (void)unlink(path.c_str());
  std::ofstream(path).flush();
  must_call(chmod(path.c_str(), 0666), "chmod " + path);
}

}  // namespace

std::string name_of(const Kind& kind) {
  const char* in_use = kind.exchange ? "_exchange" : "_frozen";
  const char* unused = kind.cache == Cache::kWarm ? "_redirty" : "_rewrite";
  return std::string(kind.fs == FsType::kXfs ? "xfs" : "ext4") + (kind.cache == Cache::kInUse ? in_use : unused);
}

PolicyFile policy_of(const Kind& kind) {
  if (kind.cache != Cache::kInUse) {
    return repair_all_policy();
  }
  const std::string method = kind.exchange ? "exchange" : "frozen-write";
  return {"10-all.json", R"({"rules": [{"name": "all", "then": {"action": "repair", "methods": [")" + method + R"("]}}],
            "limits": {"repairs_per_hour": 1000000, "lost_bytes_per_day": 1000000000,
                       "storm_incidents_per_hour": 1000000}})"};
}

bool is_long() {
  return std::getenv("PMEND_LONG") != nullptr;
}

WorldOptions CrashRig::options(const Kind& kind) {
  WorldOptions options;
  options.fs.type = kind.fs;
  options.fs.exchange = kind.exchange;
  options.standard_files = false;
  return options;
}

CrashRig::CrashRig(const Kind& kind, int victims)
    : kind_(kind), world_(options(kind)), chain_({&world_}, {policy_of(kind)}), victims_(victims) {
  for (int i = 0; i < victims; ++i) {
    world_.tree().add_file("victim" + std::to_string(i), kVictimBytes);
  }
  world_.settle();
  for (const FileModel* file : world_.tree().files()) {
    if (kind.cache == Cache::kInUse) {
      users_.push_back(must(open_file(world_.tree().path(*file), O_RDWR)));
    }
  }
  world_.medium().set_mode("write=clear");
  make_open_directory(chain_.directory() + "/boundaries");
}

FileModel& CrashRig::poison_next() {
  chain_.pmend().kill();
  return poison_one_more();
}

FileModel& CrashRig::poison_one_more() {
  if (used_ == victims_) {
    throw Failure("no victim is left");
  }
  FileModel& file = world_.tree().file("victim" + std::to_string(used_++));
  if (kind_.cache == Cache::kWarm) {
    world_.poison_cached(file, kVictimBad);
  } else {
    world_.medium().poison(world_.device_range(file, kVictimBad));  // nobody has read it yet
  }
  return file;
}

void CrashRig::start(const StopAt& stop_at) {
  chain_.pmend().kill();
  chain_.kill_workers();
  make_open_file(log_path());
  make_open_file(token_path());
  environment_ = {"PMEND_BOUNDARY_LOG=" + log_path(), "PMEND_BOUNDARY_TOKEN=" + token_path(),
                  "PMEND_STOP_AT=" + stop_at.role + ":" + std::to_string(stop_at.number)};
  restarts_ = -2;  // these two do not count
  supervise();
}

void CrashRig::supervise() {
  if (!chain_.listener().started() || chain_.listener().wait(milliseconds(0))) {
    chain_.start_workers(environment_);
    ++restarts_;
  }
  if (!chain_.pmend().started() || chain_.pmend().wait(milliseconds(0))) {
    chain_.start_pmend(environment_, Chain::Wait::kNo);
    ++restarts_;
  }
}

std::vector<pid_t> CrashRig::processes_of(const std::string& role) const {
  std::vector<pid_t> found;
  for (const Passed& line : read_log(log_path())) {
    if (line.role == role && line.number == 0 && is_alive(line.pid)) {
      found.push_back(line.pid);
    }
  }
  return found;
}

std::map<int, std::string> CrashRig::passed(const std::string& role) const {
  std::map<int, std::string> names;
  for (const Passed& line : read_log(log_path())) {
    if (line.role == role && line.number > 0) {
      names[line.number] = line.name;
    }
  }
  return names;
}

bool CrashRig::is_at_rest(const FileModel& file) const {
  static const std::set<std::string> kRest = {"repaired", "cleared", "held", "blocked", "unresolved", "failed"};
  const auto incidents = incidents_of(file).value_or(std::vector<json>());
  return !incidents.empty() && std::all_of(incidents.begin(), incidents.end(),
                                           [](const json& incident) { return kRest.contains(incident.at("state")); });
}

std::optional<pid_t> CrashRig::find_stopped() const {
  for (const Passed& line : read_log(log_path())) {
    if (state_of(line.pid) == 'T') {
      return line.pid;
    }
  }
  return std::nullopt;
}

std::optional<pid_t> CrashRig::wait_for_stop(const FileModel& file) {
  const auto end = steady_clock::now() + kPatience;
  auto quiet_since = steady_clock::now();
  for (std::uintmax_t size = 0; steady_clock::now() < end; std::this_thread::sleep_for(kLookAgain)) {
    if (!std::filesystem::exists(token_path())) {
      if (const auto stopped = find_stopped()) {
        return stopped;
      }
      continue;
    }
    if (const auto now = std::filesystem::file_size(log_path()); now != size) {
      size = now;
      quiet_since = steady_clock::now();
    }
    if (steady_clock::now() - quiet_since > kQuiet && is_at_rest(file)) {
      return std::nullopt;
    }
  }
  // It may have stopped while it was asked whether it is at rest; then that question took all the patience.
  if (const auto stopped = find_stopped()) {
    return stopped;
  }
  throw Failure("neither stopped nor quiet; " + chain_.try_ctl({"list", "--all"}).output + everything_said());
}

void CrashRig::kill_and_go_on(const std::set<std::string>& roles, std::optional<pid_t> stopped) {
  for (const char* worker : {"observe", "repair", "guard", "writer"}) {
    for (const pid_t pid : roles.contains(worker) ? processes_of(worker) : std::vector<pid_t>()) {
      ::kill(pid, SIGKILL);
    }
  }
  if (roles.contains("listener")) {
    chain_.kill_workers();
  }
  if (roles.contains("pmend")) {
    chain_.pmend().kill();
  }
  if (stopped) {
    ::kill(*stopped, SIGCONT);
  }
}

std::optional<std::vector<json>> CrashRig::incidents_of(const FileModel& file) const {
  const CommandResult result = chain_.try_ctl({"list", "--all"});
  const json value = json::parse(result.output, nullptr, false);
  if (result.status != 0 || value.is_discarded()) {
    return std::nullopt;
  }
  const ByteRange bad = world_.device_range(file, kVictimBad);
  std::vector<json> found;
  for (const json& incident : value.at("incidents")) {
    if (range_of(incident).overlaps(bad)) {
      found.push_back(incident);
    }
  }
  return found;
}

json CrashRig::wait_for(const FileModel& file, const std::function<bool(const json&)>& wanted, milliseconds limit) {
  for (const auto end = steady_clock::now() + limit; steady_clock::now() < end;
       std::this_thread::sleep_for(kLookAgain)) {
    supervise();
    for (const json& incident : incidents_of(file).value_or(std::vector<json>())) {
      if (wanted(incident)) {
        return incident;
      }
    }
  }
  throw Failure("the state did not come; " + json(incidents_of(file).value_or(std::vector<json>())).dump(1) +
                everything_said());
}

bool CrashRig::was_evicted(const json& incident) {
  const json& plan = incident.at("plan");
  if (kind_.cache != Cache::kWarm || plan.is_null() || plan.at("method") != "rewrite") {
    return false;
  }
  if (++evictions_ > kMostEvictions) {
    throw Failure("cached pages are not used: " + incident.dump());
  }
  std::cout << "a cached page was dropped before incident " << incident.at("id") << " was repaired\n";
  return true;
}

std::uint64_t CrashRig::reported_loss(const json& incident) const {
  std::uint64_t sum = 0;
  const json report = chain_.ctl({"report", std::to_string(incident.at("id").get<std::uint64_t>())});
  for (const json& lost : report.at("lost")) {
    sum += lost.at("length").get<std::uint64_t>();
  }
  return sum;
}

std::string CrashRig::open_jobs(const json& incident) const {
  LedgerReader reader = must(LedgerReader::open(chain_.state_directory() + "/ledger.db"));
  const LedgerState state = must(reader.load({}));
  std::string open;
  for (const LedgerJob& job : state.jobs) {
    if (job.begin.incident.value == incident.at("id") && (!job.end || job.open_intent() != nullptr)) {
      open += to_json_text(to_json(job)) + "\n";
    }
  }
  return open;
}

std::vector<std::string> CrashRig::spools_left() {
  std::vector<std::string> left;
  for (const auto end = steady_clock::now() + milliseconds(5000); steady_clock::now() < end;
       std::this_thread::sleep_for(kLookAgain)) {
    left.clear();
    for (const auto& entry : std::filesystem::directory_iterator(chain_.spool_directory())) {
      left.push_back(entry.path().filename());
    }
    if (left.empty()) {
      break;
    }
  }
  return left;
}

std::string CrashRig::everything_said() const {
  std::ostringstream text;
  text << "\nboundaries:\n";
  for (const Passed& line : read_log(log_path())) {
    text << line.role << " " << line.number << " " << line.pid << " " << line.name << "\n";
  }
  const auto tail = [](const std::string& log) {
    return log.substr(log.size() - std::min<std::size_t>(log.size(), 4000));
  };
  text << "pmend said:\n" << tail(chain_.pmend_log()) << "\nthe workers said:\n" << tail(chain_.worker_log());
  return text.str();
}

}  // namespace pmend::world
