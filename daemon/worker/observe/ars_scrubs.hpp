// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "pmend/model/protocol.hpp"
#include "worker/observe/nvdimms.hpp"
#include "worker/setting.hpp"

#include <functional>
#include <map>
#include <string>

namespace pmend::worker {

// Scrubs of persistent memory by its firmware, in place of reading a device through: on demand, and where the
// configuration asks for it at intervals.
class ArsScrubs {
 public:
  using Send = std::function<void(const protocol::Message&)>;
  ArsScrubs(boost::asio::io_context& io, Nvdimms& nvdimms, Send send);

  // False if the device's firmware cannot: somebody else has to.
  bool start(const Setting& setting, const protocol::Request& request);
  // A scrub of firmware cannot be ended; its request can.
  void cancel(RequestId id);
  // 0 hours: never. `is_idle` says whether there is time for it.
  void schedule(std::uint64_t hours, std::function<bool()> is_idle);

 private:
  void answer(RequestId id, const protocol::Reply& reply);
  void start_all();

  Nvdimms& nvdimms_;
  Send send_;
  std::map<RequestId, protocol::ScrubReply> running_;  // as it will be answered, without finds
  std::uint64_t hours_ = 0;
  std::function<bool()> is_idle_;
  loop::Deadline next_;
};

}  // namespace pmend::worker
