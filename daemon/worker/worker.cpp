// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.hpp"

#include "cli/exit_code.hpp"
#include "pmend/repair/guard.hpp"
#include "worker/listener.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

namespace pmend::worker {
namespace {

constexpr int kExitConfiguration = 78;

// Spool, locks and lists are root's alone, whatever the umask is.
bool make_private_directory(const std::string& path, Role role) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const bool made = mkdir(path.c_str(), 0700) == 0;
  if (!made && errno == EROFS && role == Role::kObserve) {
    return true;  // a rescue system: looking needs none of them (pmendctl locate --offline)
  }
  if (made ? chmod(path.c_str(), 0700) < 0 : errno != EEXIST) {
    std::fprintf(stderr, "pmend-worker: %s\n", fail_errno("make " + path).value().message().c_str());
    return false;
  }
  return true;
}

}  // namespace

int run_worker(const Options& options) {
  if (options.role == Role::kGuard) {
    return repair::run_guard(UniqueFd(options.fd), options.runtime_dir);
  }
  auto config = load_config(options.config, IfMissing::kDefaults);
  if (!config) {
    std::fprintf(stderr, "%s\n", to_string(config.error()).c_str());
    return kExitConfiguration;
  }
  if (!make_private_directory(options.spool_dir, options.role) ||
      !make_private_directory(suspect_directory(options), options.role) ||
      !make_private_directory(options.runtime_dir + "/locks", options.role)) {
    return cli::kExitUnavailable;
  }
  const Setting setting{options, std::move(*config), {options.sysfs, "/proc"}};
  if (options.role == Role::kListen) {
    return listen_and_serve(setting);
  }
  return serve_connection(setting, UniqueFd(options.fd));
}

}  // namespace pmend::worker
