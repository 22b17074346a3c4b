// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/fd_watch.hpp"
#include "pmend/base/error.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/protocol.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace pmend::loop {

// What MessageLink::Handlers::on_end is told where the other side just ended the connection.
inline constexpr const char* kClosedByPeer = "closed by the peer";

// One end of a worker connection: whole messages over an AF_UNIX SOCK_SEQPACKET socket, in order. What the peer sends
// is hostile: anything that is no message ends the link with an error.
class MessageLink {
 public:
  struct Handlers {
    std::function<void(protocol::Message)> on_message;
    // Called once, from the loop; the link is dead afterwards. The text says why (kClosedByPeer …). It does not
    // mean that the peer's process has ended.
    std::function<void(std::string)> on_end;
  };

  // The handlers may destroy the link.
  MessageLink(boost::asio::io_context& io, UniqueFd socket, Handlers handlers);
  ~MessageLink();
  MessageLink(const MessageLink&) = delete;
  MessageLink& operator=(const MessageLink&) = delete;

  // Queues a message. Errors: kInvalid if it does not fit into a datagram; kGone if the link has ended; kTimedOut if
  // the peer has not read for so long that 4 MiB wait.
  Status send(const protocol::Message& message);
  bool is_open() const { return open_; }

 private:
  void receive();
  bool receive_one();
  void flush();
  void end(const std::string& why);

  boost::asio::io_context& io_;
  UniqueFd socket_;
  Handlers handlers_;
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool open_ = true;
  // Set to false by the destructor, for receive(), which a handler may have pulled the ground from under.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  // Last, so that no callback comes while the rest is being destroyed.
  std::unique_ptr<FdWatch> reader_;
  std::unique_ptr<FdWatch> writer_;
};

// Two connected ends. Errors: the errno.
Result<std::pair<UniqueFd, UniqueFd>> message_socket_pair();

// Connects to a listening worker. Errors: the errno; kInvalid if the path is too long for an address.
Result<UniqueFd> connect_message_socket(const std::string& path);

// Listens on `path`, replacing a socket that nobody listens on any more. Errors: the errno (EADDRINUSE if somebody
// does).
Result<UniqueFd> listen_message_socket(const std::string& path);

}  // namespace pmend::loop
