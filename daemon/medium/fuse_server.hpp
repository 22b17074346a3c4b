// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/fuse_operations.hpp"

#include <memory>
#include <string>

struct fuse_session;

namespace pmend::medium {

// One mounted session. Medium and open files outlive it.
class FuseServer {
 public:
  // Mounts on an existing directory; root's mounts can be seen by everybody, within the modes of the files. From here
  // on SIGHUP, SIGINT and SIGTERM end serve(). Errors: kInvalid if it is no directory (or a dead
  // mount); kRefused, and libfuse has printed why.
  static Result<std::unique_ptr<FuseServer>> mount(const FuseContext& context, const std::string& directory);
  // Unmounts if nobody else did, lazily if the mount is in use.
  ~FuseServer();
  FuseServer(const FuseServer&) = delete;
  FuseServer& operator=(const FuseServer&) = delete;

  // Starts the medium, answers requests until a signal or an unmount, and stops the medium, in this order, so that
  // whoever waits for a parked request has an answer before the mount goes. Errors: the errno of the loop.
  Status serve();

 private:
  explicit FuseServer(const FuseContext& context) : context_(context) {}

  FuseContext context_;
  fuse_session* session_ = nullptr;
  bool has_signal_handlers_ = false;
  bool is_mounted_ = false;
};

}  // namespace pmend::medium
