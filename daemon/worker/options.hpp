// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/common_options.hpp"
#include "cli/parse.hpp"

#include <string>
#include <vector>

// The command line of pmend-worker, the privileged half.
namespace pmend::worker {

enum class Role {
  kObserve,  // long-lived, read-only
  kRepair,   // one job, then the end
  kGuard,    // one freeze, then the end
  kListen,   // waits on a socket and runs a role in a process of its own for each connection
};

struct Options {
  Role role = Role::kObserve;
  std::string socket;  // of kListen
  int fd = -1;         // of the others: the connected socket
  std::string config = "/etc/pmend/pmend.json";
  std::string spool_dir = "/var/lib/pmend-worker/spool";
  std::string state_dir = "/var/lib/pmend";  // pmend's own: what it lies on is never frozen
  std::string runtime_dir = "/run/pmend";
  std::string guard;  // "unix:SOCKET" of guards that somebody else starts; empty: started by the worker
  std::string sysfs = "/sys";
  cli::LogTarget log = cli::LogTarget::kStderr;
};

cli::Parsed<Options> parse_options(std::vector<std::string> args);

}  // namespace pmend::worker
