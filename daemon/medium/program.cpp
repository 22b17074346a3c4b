// SPDX-License-Identifier: Apache-2.0
#include "medium/program.hpp"

#include "medium/fuse_server.hpp"
#include "medium/medium.hpp"
#include "medium/open_files.hpp"
#include "medium/process.hpp"
#include "medium/trace_reader.hpp"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

namespace pmend::medium {
namespace {

// Goes to the background or stays, in "/" in both cases.
Status become_daemon(const Options& options, log::Sink& sink) {
  for (const std::string& warning : prepare_process()) {
    sink.write(log::make_record(log::Level::kWarning, "pmend-medium: " + warning));
  }
  if (fuse_daemonize(options.background ? 0 : 1) != 0) {
    return fail(Errc::kInternal, "go to the background");
  }
  // The child has to lock its memory again; a refusal was reported above, where stderr still was one.
  if (options.background) {
    (void)lock_memory();
  }
  return {};
}

Status tell_ready(const std::optional<int>& number) {
  if (!number) {
    return {};
  }
  const UniqueFd fd(*number);
  if (write(fd.get(), "1", 1) != 1) {
    return fail_errno("write to the ready descriptor " + std::to_string(*number));
  }
  return {};
}

}  // namespace

Status serve_medium(const Options& options, log::Sink& sink) {
  const std::string image = std::filesystem::absolute(options.image);
  const std::string state =
      options.state.empty() ? image + ".state" : std::filesystem::absolute(options.state).string();
  OpenFiles files;
  const auto medium =
      Medium::open({.image = image, .bytes = options.bytes, .state_directory = state, .changed = [&files](File file) {
                      files.changed(file);
                    }});
  if (!medium) {
    return tl::make_unexpected(medium.error());
  }
  const auto server = FuseServer::mount({**medium, files}, std::filesystem::absolute(options.mount));
  if (!server) {
    return tl::make_unexpected(server.error());
  }
  if (auto daemon = become_daemon(options, sink); !daemon) {
    return daemon;
  }
  // Before there are other threads: each would stay where it is.
  if (options.own_namespace && unshare(CLONE_NEWNS) < 0) {
    return fail_errno("enter a mount namespace");
  }
  if (auto told = tell_ready(options.ready_fd); !told) {
    return told;
  }
  return (*server)->serve();
}

Status print_trace(const std::string& path) {
  const auto records = read_trace(path);
  if (!records) {
    return tl::make_unexpected(records.error());
  }
  for (const TraceRecord& record : *records) {
    std::cout << to_string(record) << '\n';
  }
  std::cout.flush();
  return std::cout ? Status() : fail(Errc::kGone, "write to stdout");
}

}  // namespace pmend::medium
