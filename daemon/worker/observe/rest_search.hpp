// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/repair/place.hpp"
#include "worker/observe/run_child.hpp"
#include "worker/setting.hpp"

#include <functional>
#include <map>
#include <string>

namespace pmend::worker {

// Where the kernel's list of a device was cut, looks for the rest of it in a child: once, and again when something has
// come that was not known, but not at each entry that goes.
class RestSearch {
 public:
  struct Parts {
    RunChild run_child;
    std::function<void(const MediaErrorList&)> tell;
    std::function<RangeSet(const std::string& node)> hints;  // what others say is bad
  };
  explicit RestSearch(Parts parts) : parts_(std::move(parts)) {}

  void list_read(const Setting& setting, const protocol::DeviceInfo& info, const repair::BadList& list);
  void device_gone(const std::string& node) { known_.erase(node); }

 private:
  void take(const std::string& node, const Answer& answer);

  Parts parts_;
  std::map<std::string, RangeSet> known_;  // by node, of those whose list was cut
};

}  // namespace pmend::worker
