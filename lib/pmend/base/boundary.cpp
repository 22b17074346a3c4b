// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/boundary.hpp"

#ifndef PMEND_NO_BOUNDARIES

#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace pmend {
namespace {

// By thread: the order in which two threads pass theirs is chance, and numbers must name the same places in each run.
thread_local const char* role_name = nullptr;
thread_local std::uint64_t passed = 0;

void note(std::string_view name, std::string_view detail = {}) {
  const char* path = std::getenv("PMEND_BOUNDARY_LOG");
  if (path == nullptr) {
    return;
  }
  const UniqueFd file(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const std::string line = std::string(role_name) + " " + std::to_string(passed) + " " + std::to_string(getpid()) +
                           " " + std::string(name) + std::string(detail) + "\n";
  // A test that gets no log sees that itself.
  (void)!write(file.get(), line.data(), line.size());
}

bool is_wanted() {
  const char* wanted = std::getenv("PMEND_STOP_AT");
  const char* token = std::getenv("PMEND_BOUNDARY_TOKEN");
  return wanted != nullptr && token != nullptr && std::string(role_name) + ":" + std::to_string(passed) == wanted &&
         unlink(token) == 0;
}

}  // namespace

void begin_boundaries(const char* role) {
  role_name = role;
  passed = 0;
  note("begins");
}

void boundary(std::string_view name, std::string_view detail) {
  if (role_name == nullptr) {
    return;
  }
  ++passed;
  note(name, detail);
  if (is_wanted()) {
    (void)std::raise(SIGSTOP);  // always allowed on oneself
  }
}

}  // namespace pmend

#endif
