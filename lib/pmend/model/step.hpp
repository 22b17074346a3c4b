// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/ids.hpp"
#include "pmend/base/range.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/json.hpp"
#include "pmend/model/outcome.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace pmend {

// What a changing step does. Steps of one job follow each other.
enum class StepKind {
  kRedirty,      // dirty the cached page, msync
  kDonor,        // make the rebuilt donor file in the quarantine directory
  kExchange,     // swap it in
  kClear,        // write zeros over the bad block that it was swapped for
  kPwrite,       // write the rebuilt unit through the file
  kFrozenWrite,  // freeze, write to the device, thaw
  kPoison,       // `rescue`: mark the page bad again, then write the rebuilt unit through the file
  kZeroinit,
  kPunch,
  kTimes,  // put the modification time back
};
inline constexpr std::array kStepKindNames = {
    EnumName{StepKind::kRedirty, "redirty"},   EnumName{StepKind::kDonor, "donor"},
    EnumName{StepKind::kExchange, "exchange"}, EnumName{StepKind::kClear, "clear"},
    EnumName{StepKind::kPwrite, "pwrite"},     EnumName{StepKind::kFrozenWrite, "frozen-write"},
    EnumName{StepKind::kPoison, "poison"},     EnumName{StepKind::kZeroinit, "zeroinit"},
    EnumName{StepKind::kPunch, "punch"},       EnumName{StepKind::kTimes, "times"}};
constexpr std::span<const EnumName<StepKind>> enum_names(StepKind) {
  return kStepKindNames;
}

// One changing step of a job. Without outcome it is the intent, which is durable before the step is taken.
struct Step {
  JobId job;
  std::uint64_t index = 0;  // from 0 within the job
  StepKind kind = StepKind::kPwrite;
  ByteRange device_range;                   // the unit; JSON: members device_offset and length
  std::optional<std::string> spool_sha256;  // of the rebuilt unit in the spool, null where nothing is written
  std::optional<Outcome> outcome;
  std::string reason;  // for people, of the outcome

  friend bool operator==(const Step&, const Step&) = default;
};

Json to_json(const Step& step);
void read_json(const JsonReader& in, Step& step);

}  // namespace pmend
