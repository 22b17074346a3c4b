// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "pmend/model/protocol.hpp"
#include "pmend/repair/child.hpp"
#include "worker/observe/run_child.hpp"
#include "worker/scrub.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace pmend::worker {

// The scrubs that are under way, one for each device, each in a child of its own. Tells how far they are and answers
// their requests.
class Scrubs {
 public:
  using Send = std::function<void(const protocol::Message&)>;
  Scrubs(boost::asio::io_context& io, Send send, RunChild run_child);

  // The request is answered when the scrub has ended.
  void start(const Setting& setting, const protocol::Request& request);
  // It ends after the piece that it is at, and is answered then. Requests that are no scrubs are left alone.
  void cancel(RequestId id);
  // True while these bytes of the device are being read for a scrub, or just were: it notes itself what it cannot read.
  bool is_reading(const std::string& device, const ByteRange& device_range) const;

 private:
  struct Running {
    std::string device;
    repair::SharedBuffer memory;  // holds the board
    ScrubBoard& board;
    std::uint64_t told = 0;
  };

  void tell_progress();
  void answer(RequestId id, Answer answer);

  Send send_;
  RunChild run_child_;
  std::map<RequestId, Running> running_;
  loop::Deadline next_tell_;
};

}  // namespace pmend::worker
