// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/worker_place.hpp"
#include "loop/child_process.hpp"
#include "loop/deadline.hpp"
#include "loop/fd_watch.hpp"
#include "loop/message_link.hpp"
#include "pmend/base/error.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/protocol.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pmend::client {

// How long a worker may take.
struct WorkerLimits {
  std::chrono::milliseconds hello{10'000};
  std::chrono::milliseconds end{5'000};   // to end by itself when its connection is closed; it is killed then
  std::chrono::milliseconds kill{5'000};  // to be gone when it was killed; it is stuck then
};

// One worker and the connection to it. The end of the connection proves nothing: a write of the worker may still land.
// Only the end of its process does; of a worker that was connected to and that ended before it said hello, and so
// before it can have done anything, the end of the connection counts.
class WorkerProcess {
 public:
  struct Handlers {
    // What comes after the hello.
    std::function<void(protocol::Message)> on_message;
    // The process was killed, and is not gone. Called once at most.
    std::function<void()> on_stuck;
    // The process has ended. The last call; all messages came before it. `why` is for people.
    std::function<void(const std::string& why)> on_gone;
  };

  // The handlers are called from the loop, never from inside a call of this class. Only on_stuck and on_gone may
  // destroy the object. Errors: why the worker could not be started or connected to.
  static Result<std::unique_ptr<WorkerProcess>> start(boost::asio::io_context& io, const WorkerPlace& place,
                                                      protocol::Role role, Handlers handlers,
                                                      const WorkerLimits& limits = {});

  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  // Closes the connection and forgets the process, which ends by itself.
  ~WorkerProcess() = default;

  // May be called before the hello came: a worker of another version ends the connection without reading on.
  // Errors: those of MessageLink::send(); kGone if the connection has ended.
  Status send(const protocol::Message& message);
  // Closes the connection; on_gone follows.
  void finish();
  // The same at once and by force, for `why`.
  void kill(const std::string& why);

 private:
  WorkerProcess(boost::asio::io_context& io, protocol::Role role, Handlers handlers, const WorkerLimits& limits);
  Status start_program(const WorkerPlace& place);
  Status connect(const std::string& socket);
  void take_link(UniqueFd socket);
  void take(protocol::Message message);
  void greet(const protocol::Hello& hello);
  void watch_process(std::uint32_t pid);
  void link_ended(const std::string& why);
  void close_link();
  void process_ended(const std::string& why);
  void signal_kill();
  void tell_gone_if_over();
  void note(const std::string& why);

  boost::asio::io_context& io_;
  protocol::Role role_;
  Handlers handlers_;
  WorkerLimits limits_;
  bool greeted_ = false;
  bool link_open_ = false;
  bool process_known_ = false;
  bool process_over_ = false;
  bool gone_told_ = false;
  std::string why_;                            // the first reason for its end
  std::unique_ptr<loop::ChildProcess> child_;  // of a worker that was started
  UniqueFd pidfd_;                             // of one that was connected to
  std::unique_ptr<loop::FdWatch> pid_watch_;
  std::unique_ptr<loop::MessageLink> link_;
  loop::Deadline deadline_;
};

}  // namespace pmend::client
