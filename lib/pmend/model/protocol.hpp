// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/json.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

// The messages between pmend and its workers: one JSON object in one datagram of a SOCK_SEQPACKET socket. The bodies
// are in observe_verbs.hpp, repair_verbs.hpp and events.hpp; docs/protocol.md has the rules. Both ends are built from
// the same tree: a message that does not parse ends the connection.
namespace pmend::protocol {

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kMaxMessageBytes = 64U * 1024U;
inline constexpr std::uint64_t kMaxDeadlineMs = 7U * 24U * 3600U * 1000U;  // a large disk is scrubbed for days

enum class Role { kPmend, kObserve, kRepair };
inline constexpr std::array kRoleNames = {EnumName{Role::kPmend, "pmend"}, EnumName{Role::kObserve, "observe"},
                                          EnumName{Role::kRepair, "repair"}};
constexpr std::span<const EnumName<Role>> enum_names(Role) {
  return kRoleNames;
}

enum class Verb {
  // observe role
  kWatch,     // WatchRequest -> WatchReply
  kObserve,   // ObserveRequest -> Observation
  kPlan,      // PlanRequest -> PlanReply
  kLocate,    // LocateRequest -> LocateReply
  kList,      // DeviceRequest -> MediaErrorList
  kScrub,     // DeviceRequest -> ScrubReply, with progress in bytes
  kCounters,  // Empty -> CountersReply
  kOpeners,   // OpenersRequest -> OpenersReply
  kFiles,     // FilesRequest -> FilesReply
  // repair role
  kRepair,   // RepairRequest -> RepairReply
  kResume,   // RepairRequest -> RepairReply
  kProceed,  // ProceedRequest -> Empty
  kRelease,  // ReleaseRequest -> Empty
  kInspect,  // Empty -> InspectReply
};
inline constexpr std::array kVerbNames = {
    EnumName{Verb::kWatch, "watch"},       EnumName{Verb::kObserve, "observe"}, EnumName{Verb::kPlan, "plan"},
    EnumName{Verb::kLocate, "locate"},     EnumName{Verb::kList, "list"},       EnumName{Verb::kScrub, "scrub"},
    EnumName{Verb::kCounters, "counters"}, EnumName{Verb::kOpeners, "openers"}, EnumName{Verb::kFiles, "files"},
    EnumName{Verb::kRepair, "repair"},     EnumName{Verb::kResume, "resume"},   EnumName{Verb::kProceed, "proceed"},
    EnumName{Verb::kRelease, "release"},   EnumName{Verb::kInspect, "inspect"}};
constexpr std::span<const EnumName<Verb>> enum_names(Verb) {
  return kVerbNames;
}
// The role of the worker that answers this verb.
Role role_of(Verb verb);

enum class EventKind {
  kDeviceFound,    // DeviceInfo: watched from now on
  kDeviceGone,     // DeviceGone
  kMediaErrors,    // MediaErrorList
  kMountsChanged,  // Empty
  kGap,            // Gap
  kNotice,         // Notice
  kStep,           // Step: an intent or an outcome
};
inline constexpr std::array kEventKindNames = {EnumName{EventKind::kDeviceFound, "device-found"},
                                               EnumName{EventKind::kDeviceGone, "device-gone"},
                                               EnumName{EventKind::kMediaErrors, "media-errors"},
                                               EnumName{EventKind::kMountsChanged, "mounts-changed"},
                                               EnumName{EventKind::kGap, "gap"},
                                               EnumName{EventKind::kNotice, "notice"},
                                               EnumName{EventKind::kStep, "step"}};
constexpr std::span<const EnumName<EventKind>> enum_names(EventKind) {
  return kEventKindNames;
}

// Why a request has no answer. A job that took a changing step answers with an Outcome instead.
enum class ErrorCode {
  kInvalid,        // the body is malformed or breaks a rule
  kWrongRole,      // this worker does not do that
  kNotFound,       // device, file system, file or job
  kUnsupported,    // kernel, file system or device cannot do it
  kBusy,           // another job has the device or file system
  kPlanChanged,    // what the plan expects does not hold any more
  kWouldLoseMore,  // more bytes are lost now than the plan says
  kRefused,        // a guard forbids it
  kTooLarge,       // the answer does not fit, even paged
  kTimedOut,       // the deadline passed before any changing step
  kCancelled,      // before any changing step
  kGone,           // the device went away
  kInternal,       // a failure of the worker
};
inline constexpr std::array kErrorCodeNames = {EnumName{ErrorCode::kInvalid, "invalid"},
                                               EnumName{ErrorCode::kWrongRole, "wrong-role"},
                                               EnumName{ErrorCode::kNotFound, "not-found"},
                                               EnumName{ErrorCode::kUnsupported, "unsupported"},
                                               EnumName{ErrorCode::kBusy, "busy"},
                                               EnumName{ErrorCode::kPlanChanged, "plan-changed"},
                                               EnumName{ErrorCode::kWouldLoseMore, "would-lose-more"},
                                               EnumName{ErrorCode::kRefused, "refused"},
                                               EnumName{ErrorCode::kTooLarge, "too-large"},
                                               EnumName{ErrorCode::kTimedOut, "timed-out"},
                                               EnumName{ErrorCode::kCancelled, "cancelled"},
                                               EnumName{ErrorCode::kGone, "gone"},
                                               EnumName{ErrorCode::kInternal, "internal"}};
constexpr std::span<const EnumName<ErrorCode>> enum_names(ErrorCode) {
  return kErrorCodeNames;
}

// The first message of each side.
struct Hello {
  std::uint32_t version = kVersion;
  // Of a worker: its role. Of pmend: the role that it wants the worker to take, or kPmend where the worker's command
  // line says that.
  Role role = Role::kPmend;
  std::uint32_t pid = 0;  // of the sender, in its own pid namespace

  friend bool operator==(const Hello&, const Hello&) = default;
};

// pmend -> worker.
struct Request {
  RequestId id;  // rises with each request on the connection
  Verb verb = Verb::kWatch;
  std::uint64_t deadline_ms = 0;      // milliseconds from receipt, 1 to kMaxDeadlineMs
  std::optional<std::string> cursor;  // of the page before; body as in the first request
  Json body = Json::object();

  friend bool operator==(const Request&, const Request&) = default;
};

// worker -> pmend, any number of times before the reply. The unit of the numbers is up to the verb.
struct Progress {
  RequestId id;
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0 if unknown

  friend bool operator==(const Progress&, const Progress&) = default;
};

struct ReplyError {
  ErrorCode code = ErrorCode::kInternal;
  std::string what;  // for people

  friend bool operator==(const ReplyError&, const ReplyError&) = default;
};

// worker -> pmend, exactly one per request (and one per page).
struct Reply {
  RequestId id;
  std::optional<Json> body;           // either this
  std::optional<ReplyError> error;    // or this
  std::optional<std::string> cursor;  // there is more: ask again with it

  friend bool operator==(const Reply&, const Reply&) = default;
};

// worker -> pmend, at any time.
struct Event {
  EventKind kind = EventKind::kGap;
  Json body = Json::object();

  friend bool operator==(const Event&, const Event&) = default;
};

// pmend -> worker. The request is still answered; a repair stops only between steps.
struct Cancel {
  RequestId id;

  friend bool operator==(const Cancel&, const Cancel&) = default;
};

using Message = std::variant<Hello, Request, Progress, Reply, Event, Cancel>;

// One datagram. Errors: kInvalid if it is larger than kMaxMessageBytes or a reply has not exactly one of body, error.
Result<std::string> encode(const Message& message);
// Errors: kInvalid for anything that encode() does not make.
Result<Message> parse_message(std::string_view datagram);

// The body of requests, replies and events that say nothing more: {}.
struct Empty {
  friend bool operator==(const Empty&, const Empty&) = default;
};
Json to_json(const ReplyError& error);
void read_json(const JsonReader& in, ReplyError& error);
Json to_json(const Empty& empty);
void read_json(const JsonReader& in, Empty& empty);

}  // namespace pmend::protocol
