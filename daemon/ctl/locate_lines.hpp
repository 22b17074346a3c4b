// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/console.hpp"
#include "ctl/locator.hpp"
#include "ctl/options.hpp"

namespace pmend::ctl {

// locate --stdin: answers the lines of the input in their order, in memory that does not depend on how many they are.
// Status: kExitDone; kExitFailed if a line has no answer (stderr says why, and the others go on); kExitNothingToDo if
// no line names a place; that of the problem if nobody can be asked.
int locate_lines(Locator& locator, const Options& options, const Console& console);

}  // namespace pmend::ctl
