// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/worker_client.hpp"
#include "loop/deadline.hpp"
#include "pmend/back_off.hpp"
#include "pmend/base/log.hpp"
#include "pmend/model/repair_verbs.hpp"
#include "pmend/put_input.hpp"
#include "pmend/settings.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace pmend::daemon {

// What a repairing worker does besides jobs: look what workers of a former pmend left, and release their spools. One
// after the other, each by a process of its own. Looking is tried again until it succeeds: before, nothing is repaired.
// A spool that is not released now is found by the next start.
class Errands {
 public:
  struct Parts {
    boost::asio::io_context& io;
    log::Sink& log;
    client::WorkerPlace place;
    PutInput put;
    client::WorkerLimits limits;
  };
  explicit Errands(Parts parts) : parts_(std::move(parts)), next_(parts_.io) {}

  // Both are done later, from the loop.
  void inspect();
  void release(protocol::ReleaseRequest request);

 private:
  using Errand = std::optional<protocol::ReleaseRequest>;  // nothing: look

  void add(Errand errand);
  void start_next();
  void ask_to_inspect();
  void ask_to_release(const protocol::ReleaseRequest& request);
  void done();
  void lost(const std::string& why);
  void failed(const std::string& why);

  Parts parts_;
  std::deque<Errand> waiting_;  // the first one is under way
  bool done_ = false;           // the first one
  BackOff back_off_;
  loop::Deadline next_;
  std::unique_ptr<client::WorkerClient> worker_;
};

}  // namespace pmend::daemon
