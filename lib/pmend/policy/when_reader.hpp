// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/decision.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/policy/conditions.hpp"

namespace pmend {

// The `when` of a rule. Problems go to the reader. `action` is that of the rule: what anybody may set, such as a
// `user.` attribute of a file, may make a decision more careful, never less.
When read_when(const JsonReader& in, Action action);

}  // namespace pmend
