// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/setting.hpp"

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>

namespace pmend::worker {

// Tells people once of each device whose index of owners does not fit into the budget, so that every question reads all
// inodes. The processes that answer questions leave that behind where indexes are kept.
class IndexNews {
 public:
  // `setting` outlives this.
  IndexNews(const Setting& setting, std::function<void(const std::string& text)> tell)
      : setting_(setting), tell_(std::move(tell)) {}

  // After a question was answered.
  void look();

 private:
  const Setting& setting_;
  std::function<void(const std::string& text)> tell_;
  std::set<dev_t> told_;
};

}  // namespace pmend::worker
