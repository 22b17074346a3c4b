// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/worker_calls.hpp"
#include "client/worker_process.hpp"
#include "loop/deadline.hpp"
#include "pmend/base/clock.hpp"
#include "pmend/base/error.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/model/protocol.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace pmend::client {

// One worker that can be asked. A request without reply, and a message that breaks the protocol, end it by force.
class WorkerClient {
 public:
  struct Handlers {
    std::function<void(const protocol::Event&)> on_event;
    std::function<void()> on_stuck;                   // as in WorkerProcess
    std::function<void(const std::string&)> on_gone;  // as in WorkerProcess; what was asked and not answered never is
    std::function<void(const protocol::Progress&)> on_progress = {};
  };

  // As WorkerProcess::start().
  static Result<std::unique_ptr<WorkerClient>> start(boost::asio::io_context& io, const WorkerPlace& place,
                                                     protocol::Role role, Handlers handlers,
                                                     const WorkerLimits& limits = {});

  RequestId ask(WorkerCalls::Call call, WorkerCalls::OnAnswer on_answer);
  // The same with the answer as a value; one that is none ends the worker and is reported as an error.
  template <class T>
  RequestId ask(WorkerCalls::Call call, std::function<void(tl::expected<T, protocol::ReplyError>)> on_answer);

  void cancel(RequestId id);
  void finish() { process_->finish(); }
  void kill(const std::string& why) { process_->kill(why); }

 private:
  WorkerClient(boost::asio::io_context& io, Handlers handlers) : handlers_(std::move(handlers)), overdue_(io) {}

  void send(const protocol::Request& request);
  void take(protocol::Message message);
  void take_reply(protocol::Reply reply);
  void watch_overdue();

  Handlers handlers_;
  SystemClock clock_;
  WorkerCalls calls_;
  loop::Deadline overdue_;
  std::unique_ptr<WorkerProcess> process_;  // last: it calls the others
};

template <class T>
RequestId WorkerClient::ask(WorkerCalls::Call call,
                            std::function<void(tl::expected<T, protocol::ReplyError>)> on_answer) {
  const std::string verb(to_string(call.verb));
  return ask(std::move(call), [this, verb, on_answer](const WorkerCalls::Answer& answer) {
    if (!answer) {
      on_answer(tl::make_unexpected(answer.error()));
      return;
    }
    auto value = from_json<T>(*answer);
    if (value) {
      on_answer(std::move(*value));
      return;
    }
    const std::string why = "its answer to " + verb + " is none: " + value.error().message();
    kill(why);
    on_answer(tl::make_unexpected(protocol::ReplyError{protocol::ErrorCode::kInternal, why}));
  });
}

}  // namespace pmend::client
