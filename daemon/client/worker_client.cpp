// SPDX-License-Identifier: Apache-2.0
#include "client/worker_client.hpp"

#include <utility>
#include <variant>

namespace pmend::client {

Result<std::unique_ptr<WorkerClient>> WorkerClient::start(boost::asio::io_context& io, const WorkerPlace& place,
                                                          protocol::Role role, Handlers handlers,
                                                          const WorkerLimits& limits) {
  std::unique_ptr<WorkerClient> client(new WorkerClient(io, std::move(handlers)));
  auto process =
      WorkerProcess::start(io, place, role,
                           {[self = client.get()](protocol::Message message) { self->take(std::move(message)); },
                            client->handlers_.on_stuck, client->handlers_.on_gone},
                           limits);
  if (!process) {
    return tl::make_unexpected(std::move(process.error()));
  }
  client->process_ = std::move(*process);
  return client;
}

RequestId WorkerClient::ask(WorkerCalls::Call call, WorkerCalls::OnAnswer on_answer) {
  const protocol::Request request = calls_.ask(std::move(call), std::move(on_answer), clock_.steady());
  send(request);
  return request.id;
}

void WorkerClient::send(const protocol::Request& request) {
  const Status sent = process_->send(request);
  if (!sent && sent.error().is(Errc::kInvalid)) {
    calls_.refuse(request.id, {protocol::ErrorCode::kTooLarge, "the request does not fit into a message"});
  } else if (!sent && sent.error().is(Errc::kTimedOut)) {
    process_->kill("it does not read what it is asked");
  }  // where the connection has ended, on_gone follows
  watch_overdue();
}

void WorkerClient::cancel(RequestId id) {
  // It is too late where the connection has ended.
  static_cast<void>(process_->send(protocol::Cancel{id}));
}

void WorkerClient::take(protocol::Message message) {
  if (auto* const reply = std::get_if<protocol::Reply>(&message)) {
    take_reply(std::move(*reply));
  } else if (const auto* const event = std::get_if<protocol::Event>(&message)) {
    handlers_.on_event(*event);
  } else if (const auto* const progress = std::get_if<protocol::Progress>(&message)) {
    if (handlers_.on_progress) {
      handlers_.on_progress(*progress);
    }
  } else {
    process_->kill("it sent a message that only pmend sends");
  }
}

void WorkerClient::take_reply(protocol::Reply reply) {
  const auto next = calls_.take(std::move(reply), clock_.steady());
  if (!next) {
    process_->kill(next.error().what);
  } else if (*next) {
    send(**next);
  }
  watch_overdue();
}

void WorkerClient::watch_overdue() {
  const auto at = calls_.overdue_at();
  if (!at) {
    overdue_.cancel();
    return;
  }
  overdue_.set(*at - clock_.steady(), [this] { process_->kill("a request is past its deadline"); });
}

}  // namespace pmend::client
