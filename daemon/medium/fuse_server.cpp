// SPDX-License-Identifier: Apache-2.0
#include "medium/fuse_server.hpp"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <unistd.h>

#include <filesystem>

namespace pmend::medium {
namespace {

constexpr unsigned kThreads = 8;

fuse_session* new_session(FuseContext& context) {
  std::string options = "fsname=pmend-medium,subtype=pmend-medium,default_permissions";
  if (geteuid() == 0) {
    options += ",allow_other";
  }
  fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
  fuse_session* session = nullptr;
  if (fuse_opt_add_arg(&arguments, "pmend-medium") == 0 && fuse_opt_add_arg(&arguments, "-o") == 0 &&
      fuse_opt_add_arg(&arguments, options.c_str()) == 0) {
    session = fuse_session_new(&arguments, &fuse_operations(), sizeof(fuse_lowlevel_ops), &context);
  }
  fuse_opt_free_args(&arguments);
  return session;
}

}  // namespace

Result<std::unique_ptr<FuseServer>> FuseServer::mount(const FuseContext& context, const std::string& directory) {
  // FUSE would mount on a file too, and hide it, even the image.
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    return fail(Errc::kInvalid, directory + " is not a directory");
  }
  std::unique_ptr<FuseServer> server(new FuseServer(context));
  server->session_ = new_session(server->context_);
  if (server->session_ == nullptr) {
    return fail(Errc::kRefused, "make a FUSE session");
  }
  server->has_signal_handlers_ = fuse_set_signal_handlers(server->session_) == 0;
  if (!server->has_signal_handlers_) {
    return fail(Errc::kRefused, "set signal handlers");
  }
  server->is_mounted_ = fuse_session_mount(server->session_, directory.c_str()) == 0;
  if (!server->is_mounted_) {
    return fail(Errc::kRefused, "mount on " + directory);
  }
  return server;
}

FuseServer::~FuseServer() {
  if (is_mounted_) {
    fuse_session_unmount(session_);
  }
  if (has_signal_handlers_) {
    fuse_remove_signal_handlers(session_);
  }
  if (session_ != nullptr) {
    fuse_session_destroy(session_);
  }
}

Status FuseServer::serve() {
  fuse_loop_config* config = fuse_loop_cfg_create();
  fuse_loop_cfg_set_clone_fd(config, 0);
  fuse_loop_cfg_set_max_threads(config, kThreads);
  fuse_loop_cfg_set_idle_threads(config, kThreads);
  context_.medium.start();
  const int result = fuse_session_loop_mt(session_, config);
  context_.medium.stop();
  fuse_loop_cfg_destroy(config);
  // Positive is the number of the signal that ended the loop: the ordinary end.
  return result < 0 ? fail_errno("serve FUSE requests", -result) : Status();
}

}  // namespace pmend::medium
