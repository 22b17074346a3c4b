// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/observe/index_hints.hpp"
#include "worker/observe/memory_pressure.hpp"
#include "worker/setting.hpp"

#include <boost/asio/io_context.hpp>

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>

namespace pmend::worker {

// Looks after the indexes of owners, which the processes that answer questions leave behind: drops all when memory is
// short, keeps them new where that is wanted, and tells people once of each device whose index does not fit into the
// budget, so that every question about it reads all inodes.
class Indexes {
 public:
  using Notice = std::function<void(const std::string& source, const std::string& text)>;

  // `setting` outlives this.
  Indexes(boost::asio::io_context& io, const Setting& setting, const RunChild& run_child, const Notice& notice);

  // After a question was answered.
  void look();
  void mounts_changed() { hints_.mounts_changed(); }

 private:
  const Setting& setting_;
  Notice notice_;
  MemoryPressure pressure_;
  IndexHints hints_;
  std::set<dev_t> told_;
};

}  // namespace pmend::worker
