// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "pmend/base/range_set.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/repair/place.hpp"
#include "worker/observe/run_child.hpp"
#include "worker/setting.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace pmend::worker {

// Where the kernel's list of a device was cut, looks for the rest of it in children, each for a while, and tells what
// was found, if anything, after each of them, and the whole once it has come to the device's end: once, and again when
// something has come that was not known, but not at each entry that goes. What cannot be looked at is said once and
// tried again later, until then the list stays incomplete.
class RestSearch {
 public:
  struct Parts {
    boost::asio::io_context& io;
    RunChild run_child;
    std::function<void(const MediaErrorList&)> tell;
    std::function<RangeSet(const std::string& node)> hints;                          // what others say is bad
    std::function<void(const std::string& source, const std::string& text)> notice;  // for people
    std::chrono::milliseconds pause{std::chrono::minutes(1)};  // before it is tried again; doubles up to an hour
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
    std::chrono::milliseconds pause{};  // before the next try after a failure
    bool told = false;                  // that it failed
    std::unique_ptr<loop::Deadline> again;
  };

  void go_on(const Setting& setting, const std::string& node);
  void take(const Setting& setting, const std::string& node, const Answer& answer);
  void try_later(const Setting& setting, Search& search, const std::string& why);

  Parts parts_;
  std::map<std::string, Search> searches_;  // by node
};

}  // namespace pmend::worker
