// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/command.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend::engine {
namespace {

void describe(FieldWriter& field, const Observe& command) {
  field("query", command.query);
  field("request", command.request);
}

void describe(FieldWriter& field, const AskPlan& command) {
  field("query", command.query);
  field("request", command.request);
}

void describe(FieldWriter& field, const List& command) {
  field("query", command.query);
  field("device", command.device);
}

void describe(FieldWriter& field, const Record& command) {
  field("record", command.record);
}

void describe(FieldWriter& field, const RunJob& command) {
  field("resume", command.resume);
  field("request", command.request);
}

void describe(FieldWriter& field, const Proceed& command) {
  field("request", command.request);
}

void describe(FieldWriter& field, const Release& command) {
  field("request", command.request);
}

void describe(FieldWriter& field, const CancelJob& command) {
  field("job", command.job);
}

void describe(FieldWriter& /*field*/, const Inspect& /*command*/) {}

void describe(FieldWriter& field, const Publish& command) {
  field("incident", command.incident);
}

void describe(FieldWriter& field, const ArmTimer& command) {
  std::optional<std::uint64_t> at_us;
  if (command.at) {
    at_us = static_cast<std::uint64_t>(command.at->time_since_epoch().count());
  }
  field.nullable("at_us", at_us);
}

void describe(FieldWriter& field, const ReplyOperator& command) {
  field("request", command.request);
  field.nullable("error", command.error);
  field("what", command.what);
}

void describe(FieldWriter& field, const Log& command) {
  field("level", std::string(log::to_string(command.record.level)));
  field("text", command.record.text);
  field("message_id", command.record.message_id);
  Json fields = Json::object();
  for (const log::Field& entry : command.record.fields) {
    fields[entry.name] = pmend::to_json(entry.value);
  }
  field.raw("fields", fields);
}

}  // namespace

Json to_json(const Command& command) {
  return std::visit(
      [](const auto& kind) {
        FieldWriter writer;
        describe(writer, kind);
        return Json{{"command", std::string(kind.kName)}, {"body", writer.take()}};
      },
      command);
}

}  // namespace pmend::engine
