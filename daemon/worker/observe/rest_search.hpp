// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/repair/place.hpp"
#include "worker/observe/run_child.hpp"
#include "worker/setting.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace pmend::worker {

// Where the kernel's list of a device was cut, looks for the rest of it in children, each for a while, and tells what
// was found, if anything, after each of them, and the whole once it has come to the device's end: once, and again when
// something has come that was not known, but not at each entry that goes.
class RestSearch {
 public:
  struct Parts {
    RunChild run_child;
    std::function<void(const MediaErrorList&)> tell;
    std::function<RangeSet(const std::string& node)> hints;  // what others say is bad
  };
  explicit RestSearch(Parts parts) : parts_(std::move(parts)) {}

  void list_read(const Setting& setting, const protocol::DeviceInfo& info, const repair::BadList& list);
  void device_gone(const std::string& node) { searches_.erase(node); }

 private:
  // Of a device whose list was cut.
  struct Search {
    protocol::DeviceInfo info;
    RangeSet known;             // all that is listed, as far as it was found
    std::uint64_t read_to = 0;  // where the search is
    bool under_way = false;
  };

  void go_on(const Setting& setting, const std::string& node);
  void take(const Setting& setting, const std::string& node, const Answer& answer);

  Parts parts_;
  std::map<std::string, Search> searches_;  // by node
};

}  // namespace pmend::worker
