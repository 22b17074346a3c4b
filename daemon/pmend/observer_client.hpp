// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/worker_client.hpp"
#include "loop/deadline.hpp"
#include "pmend/back_off.hpp"
#include "pmend/base/clock.hpp"
#include "pmend/base/log.hpp"
#include "pmend/engine/command.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/put_input.hpp"
#include "pmend/settings.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace pmend::daemon {

// The observing worker: kept alive, told what to watch, asked what the engine wants to know. What it says becomes
// inputs of the engine. When it ends it is started again after a while, and everything is found anew.
class ObserverClient {
 public:
  static constexpr std::size_t kMostNotices = 32;
  static constexpr std::size_t kMostNoticeBytes = 1000;

  struct Parts {
    boost::asio::io_context& io;
    log::Sink& log;
    client::WorkerPlace place;
    PutInput put;
    std::function<void()> on_change;  // of what is shown; that observing() became false tells WorkerGone
  };
  ObserverClient(Parts parts, protocol::WatchRequest watch);

  // The first worker, from the loop.
  void start();
  // From now on this is watched.
  void watch(protocol::WatchRequest watch);

  // Questions of the engine. Those that a worker leaves unanswered are void: WorkerGone tells.
  void observe(const engine::Observe& command);
  void plan(const engine::AskPlan& command);
  void list(const engine::List& command);

  // Questions of people. Not called where there is no worker, or no more.
  template <class T>
  using On = std::function<void(tl::expected<T, protocol::ReplyError>)>;
  void locate(const protocol::LocateRequest& request, On<protocol::LocateReply> on_located);
  void openers(const protocol::OpenersRequest& request, On<protocol::OpenersReply> on_openers);
  void files(const protocol::FilesRequest& request, On<protocol::FilesReply> on_files);

  struct OnScrub {
    std::function<void(const protocol::Progress&)> progress;  // bytes
    std::function<void(tl::expected<protocol::ScrubReply, protocol::ReplyError>)> end;
  };
  // Only while observing(). `end` is not called where the worker goes before: WorkerGone tells.
  RequestId scrub(const std::string& device, OnScrub on_scrub);
  void cancel_scrub(RequestId scrub);

  // A worker is there and watches.
  bool observing() const { return observing_; }
  // What people may want to know of how it watches, each text once, the first kMostNotices; void with the worker.
  const std::vector<std::string>& notices() const { return notices_; }

  // No new worker; `on_stopped` is called from the loop when the one that is there has gone.
  void stop(std::function<void()> on_stopped);

 private:
  void start_worker();
  void begin_watch();
  void watching(const protocol::WatchReply& reply);
  void take(const protocol::Event& event);
  void take_notice(const protocol::Event& event);
  void add_notice(std::string text);
  template <class Body, class Make>
  void put_event(const protocol::Event& event, const Make& make);
  void take_progress(const protocol::Progress& progress);
  void fail_query(engine::QueryId query, const protocol::ReplyError& error);
  void lost(const std::string& why);
  void give_up();

  Parts parts_;
  protocol::WatchRequest watch_;
  std::map<RequestId, std::function<void(const protocol::Progress&)>> scrubs_;
  bool observing_ = false;
  SteadyTime observing_since_;
  std::set<std::string> told_absent_;  // once is enough
  std::vector<std::string> notices_;
  BackOff back_off_;
  SystemClock clock_;
  std::function<void()> on_stopped_;
  loop::Deadline again_;
  std::unique_ptr<client::WorkerClient> worker_;
};

}  // namespace pmend::daemon
