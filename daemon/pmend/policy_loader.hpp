// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/input.hpp"
#include "pmend/policy/load.hpp"

#include <tl/expected.hpp>

#include <vector>

namespace pmend::daemon {

// A whole policy that can be used, and the files that it was read from.
struct PolicyInForce {
  Policy policy;
  engine::PolicyLoaded files;
};

// What the directories hold now, read once: what is checked is what the engine gets. Problems: all of them.
tl::expected<PolicyInForce, ConfigProblems> load_policy_files(const std::vector<PolicyDirectory>& directories);

}  // namespace pmend::daemon
