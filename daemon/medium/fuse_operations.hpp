// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/medium.hpp"
#include "medium/open_files.hpp"

struct fuse_lowlevel_ops;

namespace pmend::medium {

// What the handlers work on; the user data of the session.
struct FuseContext {
  Medium& medium;
  OpenFiles& files;
};

// The handlers of a flat directory with the files of the medium. They translate and reply, nothing else.
const fuse_lowlevel_ops& fuse_operations();

}  // namespace pmend::medium
