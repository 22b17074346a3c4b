// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/conditions.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {
namespace {

constexpr std::string_view kFilesystemPrefix = "filesystem/";

void write_texts(const When& when, FieldWriter& out) {
  FieldWriter filesystem;
  bool of_filesystem = false;
  for (const TextCondition& condition : when.texts) {
    std::string_view key = to_string(condition.key);
    const bool inside = key.starts_with(kFilesystemPrefix);
    key.remove_prefix(inside ? kFilesystemPrefix.size() : 0);
    (inside ? filesystem : out)(std::string(key).c_str(), condition.globs);
    of_filesystem = of_filesystem || inside;
  }
  if (of_filesystem) {
    out.raw("filesystem", filesystem.take());
  }
}

}  // namespace

bool When::empty() const {
  return texts.empty() && numbers.empty() && flags.empty() && owners.empty() && times.empty() && any.empty() &&
         negated.empty();
}

std::string to_clock_text(std::uint16_t minutes) {
  const auto two = [](int number) { return std::string(number < 10 ? "0" : "") + std::to_string(number); };
  return two(minutes / 60) + ":" + two(minutes % 60);
}

Json to_json(const NumberRange& range) {
  FieldWriter out;
  out("min", range.min);
  if (range.max != NumberRange().max) {
    out("max", range.max);
  }
  return out.take();
}

Json to_json(const TimeSpan& span) {
  FieldWriter out;
  out("days", span.days);
  out("from", to_clock_text(span.from));
  out("to", to_clock_text(span.to));
  return out.take();
}

Json to_json(const When& when) {
  FieldWriter out;
  write_texts(when, out);
  for (const NumberCondition& condition : when.numbers) {
    out(std::string(to_string(condition.key)).c_str(), condition.ranges);
  }
  for (const FlagCondition& condition : when.flags) {
    out(std::string(to_string(condition.key)).c_str(), condition.wanted);
  }
  if (!when.owners.empty()) {
    out("owner", when.owners);
  }
  if (!when.times.empty()) {
    out("time", when.times);
  }
  if (!when.any.empty()) {
    out("any", when.any);
  }
  if (!when.negated.empty()) {
    out("not", when.negated.front());
  }
  return out.take();
}

}  // namespace pmend
