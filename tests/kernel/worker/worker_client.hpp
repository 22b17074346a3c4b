// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/events.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/protocol.hpp"
#include "pmend/model/repair_verbs.hpp"
#include "support/must.hpp"
#include "support/process.hpp"
#include "support/world.hpp"
#include "worker/repair/blocking_link.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace pmend::world {

// Which list of bad sectors the world's loop device has.
enum class ListKind {
  kOfMedium,  // the medium's, which knows everything at once
  kFile,      // WorkerService::list_file(), empty at first
  kOwn,       // none: pmend keeps one of what it finds by reading
};

// A `pmend-worker --listen` for one world. It may do what systemd lets a worker of this unit (a file in systemd/) do,
// and no more.
class WorkerService {
 public:
  WorkerService(World& world, const std::string& unit, ListKind list = ListKind::kOfMedium);

  // What a pmend with the same configuration would ask for.
  const protocol::WatchRequest& watch_request() const { return watch_; }
  std::string list_file() const { return directory_ + "/list"; }
  std::string suspect_dir() const { return directory_ + "/suspects"; }
  // SIGKILL to all its processes, and another one on the same directories.
  void kill_and_restart();

  const std::string& socket() const { return socket_; }
  std::string spool_dir() const { return directory_ + "/spool"; }

 private:
  void start();

  std::string directory_;
  std::string socket_;
  std::string unit_;
  protocol::WatchRequest watch_;
  Child process_;
};

// pmend's end of one connection, as a test plays it.
class WorkerClient {
 public:
  WorkerClient(const WorkerService& service, protocol::Role role);

  // The reply to one request; events that come meanwhile are kept. Throws Failure after 20 s.
  template <class Reply, class Body>
  Reply ask(protocol::Verb verb, const Body& body) {
    return must(from_json<Reply>(ask_raw(verb, to_json(body))));
  }
  // The reply's body; throws Failure with the text of an error.
  Json ask_raw(protocol::Verb verb, Json body);
  // Sends only.
  RequestId send(protocol::Verb verb, Json body, std::chrono::milliseconds deadline = std::chrono::seconds(20));
  // The next event of that kind, from those that came already or as it comes. Throws Failure after 20 s.
  template <class Body>
  Body event(protocol::EventKind kind) {
    return must(from_json<Body>(next_event(kind)));
  }
  Json next_event(protocol::EventKind kind);
  void cancel(RequestId request);
  // The next message of any kind; throws Failure after `limit`.
  protocol::Message receive(std::chrono::milliseconds limit = std::chrono::seconds(20));
  const protocol::Hello& hello() const { return hello_; }

 private:
  std::unique_ptr<worker::BlockingLink> link_;
  protocol::Hello hello_;
  std::deque<protocol::Event> events_;
  std::uint64_t next_id_ = 1;
};

}  // namespace pmend::world
