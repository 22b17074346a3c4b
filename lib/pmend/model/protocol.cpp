// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/protocol.hpp"

#include "pmend/base/text.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/model/json_text.hpp"

#include <utility>

namespace pmend::protocol {

Role role_of(Verb verb) {
  switch (verb) {
    case Verb::kWatch:
    case Verb::kObserve:
    case Verb::kPlan:
    case Verb::kLocate:
    case Verb::kList:
    case Verb::kScrub:
    case Verb::kCounters:
    case Verb::kOpeners:
    case Verb::kFiles:
      return Role::kObserve;
    case Verb::kRepair:
    case Verb::kResume:
    case Verb::kProceed:
    case Verb::kRelease:
    case Verb::kInspect:
      return Role::kRepair;
  }
  return Role::kPmend;  // no worker answers what is no verb
}

template <class Fields, ConstOr<Hello> T>
void describe(Fields& field, T& hello) {
  field.constant("type", "hello");
  field("version", hello.version);
  field("role", hello.role);
  field("pid", hello.pid);
}

template <class Fields, ConstOr<Request> T>
void describe(Fields& field, T& request) {
  field.constant("type", "request");
  field("id", request.id);
  field("verb", request.verb);
  field("deadline_ms", request.deadline_ms);
  field("cursor", request.cursor);
  field.raw("body", request.body);
  field.check([&](const JsonReader& in) {
    if (request.deadline_ms == 0 || request.deadline_ms > kMaxDeadlineMs) {
      in.problem("deadline_ms: expected 1 to " + std::to_string(kMaxDeadlineMs));
    }
  });
}

template <class Fields, ConstOr<Progress> T>
void describe(Fields& field, T& progress) {
  field.constant("type", "progress");
  field("id", progress.id);
  field("done", progress.done);
  field("total", progress.total);
}

template <class Fields, ConstOr<ReplyError> T>
void describe(Fields& field, T& error) {
  field("code", error.code);
  field("what", error.what);
}
Json to_json(const ReplyError& error) {
  return write_fields(error);
}
void read_json(const JsonReader& in, ReplyError& error) {
  read_fields(in, error);
}

template <class Fields, ConstOr<Reply> T>
void describe(Fields& field, T& reply) {
  field.constant("type", "reply");
  field("id", reply.id);
  field.raw("body", reply.body);
  field("error", reply.error);
  field("cursor", reply.cursor);
  field.check([&](const JsonReader& in) {
    if (reply.body.has_value() == reply.error.has_value()) {
      in.problem("a reply has either a body or an error");
    }
  });
}

template <class Fields, ConstOr<Event> T>
void describe(Fields& field, T& event) {
  field.constant("type", "event");
  field("kind", event.kind);
  field.raw("body", event.body);
}

template <class Fields, ConstOr<Cancel> T>
void describe(Fields& field, T& cancel) {
  field.constant("type", "cancel");
  field("id", cancel.id);
}

template <class Fields, ConstOr<Empty> T>
void describe(Fields& /*field*/, T& /*empty*/) {}
Json to_json(const Empty& empty) {
  return write_fields(empty);
}
void read_json(const JsonReader& in, Empty& empty) {
  read_fields(in, empty);
}

namespace {

template <class T>
Message read_as(const JsonReader& in) {
  T message;
  read_fields(in, message);
  return message;
}

struct MessageType {
  std::string_view name;
  Message (*read)(const JsonReader& in);
};
constexpr MessageType kMessageTypes[] = {{"hello", read_as<Hello>},       {"request", read_as<Request>},
                                         {"progress", read_as<Progress>}, {"reply", read_as<Reply>},
                                         {"event", read_as<Event>},       {"cancel", read_as<Cancel>}};

Message read_message(const JsonReader& in) {
  const auto type = JsonObjectReader(in).required("type");
  const std::string name = type ? type->string() : std::string();
  for (const MessageType& known : kMessageTypes) {
    if (known.name == name) {
      return known.read(in);
    }
  }
  in.problem("no message of this type");
  return {};
}

}  // namespace

Result<std::string> encode(const Message& message) {
  if (const auto* reply = std::get_if<Reply>(&message); reply && reply->body.has_value() == reply->error.has_value()) {
    return fail(Errc::kInvalid, "encode: a reply has either a body or an error");
  }
  std::string text = to_json_text(std::visit([](const auto& value) { return write_fields(value); }, message));
  if (text.size() > kMaxMessageBytes) {
    return fail(Errc::kInvalid, "encode: a message of " + std::to_string(text.size()) + " bytes is too long");
  }
  return text;
}

Result<Message> parse_message(std::string_view datagram) {
  const auto parsed = parse_json_text(datagram, {.size_limit = kMaxMessageBytes});
  if (!parsed) {
    return fail(Errc::kInvalid, "message: " + parsed.error().to_string());
  }
  JsonProblems problems;
  Message message = read_message(JsonReader(parsed->value, problems));
  if (!problems.empty()) {
    return fail(Errc::kInvalid, "message: " + to_string(problems));
  }
  return message;
}

}  // namespace pmend::protocol
