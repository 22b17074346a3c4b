// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/model/endangered_file.hpp"
#include "pmend/model/incident.hpp"
#include "pmend/model/json.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/report.hpp"
#include "pmend/model/storm.hpp"

#include <tl/expected.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What the D-Bus face needs of the rest of pmend, without a word of D-Bus.
namespace pmend::bus {

// The named errors of the contract, see dbus/org.pmend1.Manager.xml.
enum class ErrorCode { kNotFound, kStalePlan, kNotAuthorized, kBusy, kUnavailable, kInvalid };

struct Failure {
  ErrorCode code = ErrorCode::kUnavailable;
  std::string what;  // for people, one line

  friend bool operator==(const Failure&, const Failure&) = default;
};

// kNotFound, ENOENT and ENODEV are NotFound, kStale is StalePlan, kInvalid is Invalid, EBUSY and kTimedOut are Busy,
// all others Unavailable.
Failure failure_of(const Error& error);

template <class T>
using Answer = tl::expected<T, Failure>;

inline tl::unexpected<Failure> refuse(ErrorCode code, std::string what) {
  return tl::make_unexpected(Failure{code, std::move(what)});
}

// How a question is answered: call it once, at once or later, from the thread of the loop. Copies share the one answer,
// further calls are ignored, and if the last copy goes without a call the answer is Unavailable. It may outlive the
// bus.
template <class T>
class Reply {
 public:
  using Take = std::function<void(Answer<T>)>;

  explicit Reply(Take take) : state_(std::make_shared<State>(std::move(take))) {}

  void operator()(Answer<T> answer) const { state_->finish(std::move(answer)); }

 private:
  struct State {
    explicit State(Take first) : take(std::move(first)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { finish(refuse(ErrorCode::kUnavailable, "pmend gave no answer")); }

    void finish(Answer<T> answer) {
      if (const Take first = std::exchange(take, nullptr)) {
        first(std::move(answer));
      }
    }

    Take take;
  };

  std::shared_ptr<State> state_;
};

struct Done {};

// Which incidents to list, by id.
struct IncidentQuery {
  std::vector<IncidentState> states;     // any of these; empty: any
  std::optional<std::string> device_id;  // on this device
  IncidentId after;                      // with a higher id
  std::size_t limit = 0;                 // at most so many, at least one

  friend bool operator==(const IncidentQuery&, const IncidentQuery&) = default;
};

struct IncidentPage {
  std::vector<Incident> incidents;
  std::optional<IncidentId> next;  // there are more: ask again with it as `after`
};

enum class OperatorVerb { kApprove, kDismiss, kRetry, kPause, kResume, kResumeDevice, kRescan };

// What an authorised person wants.
struct OperatorCall {
  OperatorVerb verb = OperatorVerb::kRescan;
  IncidentId incident;    // of approve, dismiss, retry
  std::string plan_hash;  // of approve, 64 hex digits
  std::string device;     // of resume-device; of rescan, empty: all
  std::string who;        // "uid 0"

  friend bool operator==(const OperatorCall&, const OperatorCall&) = default;
};

enum class ScrubState { kRunning, kDone, kCancelled, kFailed };
inline constexpr std::array kScrubStateNames = {
    EnumName{ScrubState::kRunning, "running"}, EnumName{ScrubState::kDone, "done"},
    EnumName{ScrubState::kCancelled, "cancelled"}, EnumName{ScrubState::kFailed, "failed"}};
constexpr std::span<const EnumName<ScrubState>> enum_names(ScrubState) {
  return kScrubStateNames;
}

// A scrub that is under way, or the last one of its device.
struct ScrubView {
  std::string device;
  ScrubState state = ScrubState::kRunning;
  std::uint64_t size = 0;  // bytes, 0: not known yet
  std::uint64_t done = 0;
  std::string reason;                         // why it failed
  std::optional<protocol::ScrubReply> found;  // once it is done or cancelled
};

// Which files are to be brought away from a device: those on bad bytes, or all there are; a part of them.
struct FilesQuery {
  std::string device;  // node, or a device id where it is not watched
  bool all = false;
  std::string cursor;  // empty: the first part
};
struct FilesPart {
  std::vector<EndangeredFile> files;
  std::vector<std::string> not_seen;  // for people: what may hold more of them
  std::string next;                   // cursor of the next part, empty: this is the last one
};

// Answers the questions of callers. Functions return at once and never wait for a disk or a worker; they may answer
// before they return. Arguments are well-formed and callers authorised.
class BusBackend {
 public:
  BusBackend() = default;
  BusBackend(const BusBackend&) = delete;
  BusBackend& operator=(const BusBackend&) = delete;
  virtual ~BusBackend() = default;

  virtual void list_incidents(const IncidentQuery& query, Reply<IncidentPage> reply) = 0;
  // NotFound if there is none with this id; also those that are closed.
  virtual void get_incident(IncidentId id, Reply<Incident> reply) = 0;
  virtual void get_report(IncidentId id, Reply<Report> reply) = 0;
  // An array of objects, one per rule: what to_json(PolicyExplanation) has as "rules".
  virtual void explain(IncidentId id, Reply<Json> reply) = 0;
  virtual void locate(const protocol::LocateRequest& request, Reply<protocol::LocateReply> reply) = 0;
  // Who has the files of an incident open or mapped now; empty if it is closed or about no files.
  virtual void openers(IncidentId id, Reply<protocol::OpenersReply> reply) = 0;
  virtual void endangered_files(const FilesQuery& query, Reply<FilesPart> reply) = 0;
  // Why the files that were read are not in force now, empty if they are.
  virtual void reload_policy(Reply<std::vector<std::string>> reply) = 0;
  // Starts one, or lets the one that is under way end. Answered at once, Busy or NotFound where that is not to be done.
  enum class ScrubVerb { kStart, kCancel };
  virtual void scrub(ScrubVerb verb, const std::string& device, const std::string& who, Reply<Done> reply) = 0;
  virtual void get_scrub(const std::string& device, Reply<ScrubView> reply) = 0;
  // What it promises is durable when it is answered.
  virtual void operate(const OperatorCall& call, Reply<Done> reply) = 0;
};

enum class RunState { kRunning, kPaused, kReadOnly };
inline constexpr std::array kRunStateNames = {EnumName{RunState::kRunning, "running"},
                                              EnumName{RunState::kPaused, "paused"},
                                              EnumName{RunState::kReadOnly, "read-only"}};
constexpr std::span<const EnumName<RunState>> enum_names(RunState) {
  return kRunStateNames;
}

// What is shown of pmend as a whole.
struct ManagerState {
  RunState state = RunState::kRunning;
  std::string reason;      // why it is not running, for people
  bool observing = false;  // the observing worker is connected
  std::string policy_hash;
  std::vector<std::string> policy_problems;  // of the files that are not in force
  std::map<std::string, Storm> storms;       // by node: devices that are repaired only if a person says so
  std::vector<std::string> notices;          // of how the observing worker watches, for people

  friend bool operator==(const ManagerState&, const ManagerState&) = default;
};

// What is shown of one device.
struct DeviceView {
  protocol::DeviceInfo info;
  std::uint64_t bad_bytes = 0;  // listed
  bool list_complete = false;

  friend bool operator==(const DeviceView&, const DeviceView&) = default;
};

// The members of its DeviceInfo, and its own.
Json to_json(const DeviceView& view);
// Its own members, and those of what was found.
Json to_json(const ScrubView& view);

}  // namespace pmend::bus
