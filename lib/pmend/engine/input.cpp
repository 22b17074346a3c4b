// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/input.hpp"

#include "pmend/model/json_fields.hpp"

#include <chrono>
#include <string>

namespace pmend {

template <class Fields, ConstOr<LocalTime> T>
void describe(Fields& field, T& local) {
  field("day", local.day);
  field("minute", local.minute);
}

}  // namespace pmend

namespace pmend::engine {

template <class Fields, ConstOr<Loaded> T>
void describe(Fields& field, T& input) {
  field("state", input.state);
}

template <class Fields, ConstOr<PolicyFile> T>
void describe(Fields& field, T& file) {
  field("name", file.name);
  field("text", file.text);
}
Json to_json(const PolicyFile& file) {
  return write_fields(file);
}
void read_json(const JsonReader& in, PolicyFile& file) {
  read_fields(in, file);
}

template <class Fields, ConstOr<PolicyLoaded> T>
void describe(Fields& field, T& input) {
  field("files", input.files);
}

// Steady time is a count of microseconds from some beginning.
template <class Fields>
void describe(Fields& field, const Tick& tick) {
  field("steady_us", static_cast<std::uint64_t>(tick.steady.time_since_epoch().count()));
  field("wall", tick.wall);
  field.part("day", tick.local);
}
template <class Fields>
void describe(Fields& field, Tick& tick) {
  std::uint64_t steady_us = 0;
  field("steady_us", steady_us);
  constexpr std::uint64_t kMost = 1ULL << 62U;  // 146,000 years: sums with delays cannot overflow
  field.check([&](const JsonReader& in) {
    if (steady_us > kMost) {
      in.problem("steady_us: too large");
    }
  });
  tick.steady = SteadyTime(std::chrono::microseconds(steady_us > kMost ? 0 : steady_us));
  field("wall", tick.wall);
  field.part("day", tick.local);
}

template <class Fields, ConstOr<DeviceFound> T>
void describe(Fields& field, T& input) {
  field("device", input.device);
}

template <class Fields, ConstOr<DeviceGone> T>
void describe(Fields& field, T& input) {
  field("device", input.device);
}

template <class Fields, ConstOr<MediaErrors> T>
void describe(Fields& field, T& input) {
  field("query", input.query);
  field("list", input.list);
}

template <class Fields, ConstOr<MountsChanged> T>
void describe(Fields& /*field*/, T& /*input*/) {}

template <class Fields, ConstOr<Gap> T>
void describe(Fields& field, T& input) {
  field("gap", input.gap);
}

template <class Fields, ConstOr<Observed> T>
void describe(Fields& field, T& input) {
  field("query", input.query);
  field("observation", input.observation);
}

template <class Fields, ConstOr<ObserveFailed> T>
void describe(Fields& field, T& input) {
  field("query", input.query);
  field("error", input.error);
}

template <class Fields, ConstOr<Planned> T>
void describe(Fields& field, T& input) {
  field("query", input.query);
  field("plan", input.plan);
}

template <class Fields, ConstOr<PlanRefused> T>
void describe(Fields& field, T& input) {
  field("query", input.query);
  field("refusal", input.refusal);
}

template <class Fields, ConstOr<StepIntent> T>
void describe(Fields& field, T& input) {
  field("step", input.step);
}

template <class Fields, ConstOr<StepFinished> T>
void describe(Fields& field, T& input) {
  field("step", input.step);
}

template <class Fields, ConstOr<JobFinished> T>
void describe(Fields& field, T& input) {
  field("reply", input.reply);
}

template <class Fields, ConstOr<JobRefused> T>
void describe(Fields& field, T& input) {
  field("job", input.job);
  field("error", input.error);
}

template <class Fields, ConstOr<WorkerGone> T>
void describe(Fields& field, T& input) {
  field("job", input.job);
  field("why", input.why);
}

template <class Fields, ConstOr<WorkerStuck> T>
void describe(Fields& field, T& input) {
  field("job", input.job);
}

template <class Fields, ConstOr<Inspected> T>
void describe(Fields& field, T& input) {
  field("reply", input.reply);
}

template <class Fields, ConstOr<Recorded> T>
void describe(Fields& field, T& input) {
  field("seq", input.seq);
}

template <class Fields, ConstOr<RecordFailed> T>
void describe(Fields& field, T& input) {
  field("seq", input.seq);
  field("why", input.why);
}

template <class Fields, ConstOr<OperatorRequest> T>
void describe(Fields& field, T& input) {
  field("request", input.request);
  field("verb", input.verb);
  field("incident", input.incident);
  field("plan_hash", input.plan_hash);
  field("device", input.device);
  field("who", input.who);
}

template <class Fields, ConstOr<Shutdown> T>
void describe(Fields& /*field*/, T& /*input*/) {}

namespace {

// Reads the body of the kind of input that has this name, if there is one among the alternatives from I on.
template <std::size_t I = 0>
bool read_body(const std::string& name, const JsonReader& body, Input& input) {
  if constexpr (I < std::variant_size_v<Input>) {
    using Kind = std::variant_alternative_t<I, Input>;
    if (name == Kind::kName) {
      read_fields(body, input.emplace<Kind>());
      return true;
    }
    return read_body<I + 1>(name, body, input);
  }
  return false;
}

}  // namespace

Json to_json(const Input& input) {
  return std::visit(
      [](const auto& kind) {
        return Json{{"input", std::string(kind.kName)}, {"body", write_fields(kind)}};
      },
      input);
}

void read_json(const JsonReader& in, Input& input) {
  JsonObjectReader object(in);
  const auto name = object.required("input");
  const auto body = object.required("body");
  object.finish();
  if (name && body && !read_body(name->string(), *body, input)) {
    name->expected("a kind of input");
  }
}

}  // namespace pmend::engine
