// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/sysfs.hpp"
#include "pmend/model/config.hpp"
#include "worker/options.hpp"

#include <filesystem>
#include <string>

namespace pmend::worker {

// What all of the worker's work is done with.
struct Setting {
  Options options;
  Config config;
  block::SystemRoots roots;
};

// Where pmend's own lists of bad sectors lie: beside the spool.
inline std::string suspect_directory(const Options& options) {
  return std::filesystem::path(options.spool_dir + "/").parent_path().parent_path() / "suspects";
}

// Where a file of no name may be made to try something out: beside the spool, too.
inline std::string scratch_directory(const Options& options) {
  return std::filesystem::path(options.spool_dir + "/").parent_path().parent_path();
}

// Where the indexes of the reverse map are kept between questions, each of which is answered by a process of its own.
inline std::string index_directory(const Options& options) {
  return options.runtime_dir + "/index";
}

}  // namespace pmend::worker
