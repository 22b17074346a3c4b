// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/common_options.hpp"
#include "cli/parse.hpp"

#include <cstdint>
#include <string>
#include <vector>

// The command line of pmend, the unprivileged daemon.
namespace pmend::daemon {

struct Options {
  std::string config = "/etc/pmend/pmend.json";
  // In rising precedence: of two files of the same name the later directory's counts.
  std::vector<std::string> policy_dirs = {"/usr/lib/pmend/policy.d", "/run/pmend/policy.d", "/etc/pmend/policy.d"};
  std::string state_dir = "/var/lib/pmend";
  std::string spool_dir = "/var/lib/pmend-worker/spool";  // passed on to a worker that pmend starts
  std::string runtime_dir = "/run/pmend";
  std::string sysfs = "/sys";
  cli::Bus bus;
  std::string worker = PMEND_DEFAULT_WORKER;  // a program to start, or unix:SOCKET to connect to
  cli::LogTarget log = cli::LogTarget::kStderr;
  std::uint64_t job_limit = 600;  // seconds
  bool check_config = false;
};

cli::Parsed<Options> parse_options(std::vector<std::string> args);

}  // namespace pmend::daemon
