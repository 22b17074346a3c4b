// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/model/outcome.hpp"

#include <string>

namespace pmend::repair {

// How something ended, with the reason for people.
struct Ending {
  Outcome outcome = Outcome::kIndeterminate;
  std::string reason;

  friend bool operator==(const Ending&, const Ending&) = default;
};

// What a failed system call of a repair means. The only place that maps errno to Outcome; an errno that has no row is
// kIndeterminate. A row says what the call itself tells: whoever made a changing call looks at the medium afterwards
// and believes that.
Outcome outcome_from_errno(int number);

// The same for any error: our own codes have rows too.
Outcome outcome_of(const Error& error);
Ending ending_of(const Error& error);

// True for the errnos by which a read says that the medium has lost the bytes (blk_status_to_errno(), Linux
// block/blk-core.c). All others say nothing about the bytes.
bool is_medium_error(int number);

}  // namespace pmend::repair
