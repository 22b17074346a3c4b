// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/enum_names.hpp"

#include <array>

namespace pmend {

// How a step or a job ended. Anything not understood is kIndeterminate, never success.
enum class Outcome {
  kSucceeded,         // done and proven
  kUnnecessary,       // there was nothing to do any more
  kPartlyDone,        // some units are done and proven, the others untouched
  kBusyRetry,         // in use or out of resources; nothing was changed, later it may work
  kTargetChanged,     // owner, mapping, list or bytes are not what the plan says; nothing was changed
  kNotSupported,      // kernel, file system, bus or firmware cannot do it; nothing was changed
  kRefused,           // a guard forbade it; nothing was changed
  kPermanentFailure,  // tried and failed, and it would again
  kInterrupted,       // cancelled or cut off before the changing step
  kIndeterminate,     // nobody knows what the changing step did: observe again
};
inline constexpr std::array kOutcomeNames = {EnumName{Outcome::kSucceeded, "succeeded"},
                                             EnumName{Outcome::kUnnecessary, "unnecessary"},
                                             EnumName{Outcome::kPartlyDone, "partly-done"},
                                             EnumName{Outcome::kBusyRetry, "busy-retry"},
                                             EnumName{Outcome::kTargetChanged, "target-changed"},
                                             EnumName{Outcome::kNotSupported, "not-supported"},
                                             EnumName{Outcome::kRefused, "refused"},
                                             EnumName{Outcome::kPermanentFailure, "permanent-failure"},
                                             EnumName{Outcome::kInterrupted, "interrupted"},
                                             EnumName{Outcome::kIndeterminate, "indeterminate"}};
constexpr std::span<const EnumName<Outcome>> enum_names(Outcome) {
  return kOutcomeNames;
}

}  // namespace pmend
