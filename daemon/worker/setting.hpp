// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/block_context.hpp"
#include "pmend/model/config.hpp"
#include "worker/options.hpp"

namespace pmend::worker {

// What all of the worker's work is done with.
struct Setting {
  Options options;
  Config config;
  block::SystemRoots roots;
};

}  // namespace pmend::worker
