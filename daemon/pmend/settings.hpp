// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/worker_place.hpp"
#include "pmend/model/config.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/options.hpp"
#include "pmend/policy/load.hpp"

#include <tl/expected.hpp>

#include <string>
#include <vector>

// What pmend is told to do, from its command line and pmend.json.
namespace pmend::daemon {

client::WorkerPlace worker_place(const Options& options);

// The directories of the policy. Those that the command line names must be there.
std::vector<PolicyDirectory> policy_directories(const Options& options);

// pmend.json, which may be missing where nobody named it.
tl::expected<protocol::WatchRequest, ConfigProblems> load_watch(const Options& options);

// Where a dump for people goes: the log directory that the service manager made, else the state directory.
std::string dump_directory(const Options& options);

}  // namespace pmend::daemon
