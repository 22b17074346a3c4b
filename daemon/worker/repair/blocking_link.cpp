// SPDX-License-Identifier: Apache-2.0
#include "worker/repair/blocking_link.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

namespace pmend::worker {

Status BlockingLink::send(const protocol::Message& message) {
  const auto datagram = protocol::encode(message);
  if (!datagram) {
    return tl::make_unexpected(datagram.error());
  }
  if (::send(socket_.get(), datagram->data(), datagram->size(), MSG_NOSIGNAL) < 0) {
    return fail_errno("send to pmend");
  }
  return {};
}

Result<protocol::Message> BlockingLink::receive(std::chrono::milliseconds limit) {
  pollfd ready{socket_.get(), POLLIN, 0};
  const int count = poll(&ready, 1, static_cast<int>(limit.count()));
  if (count == 0) {
    return fail(Errc::kTimedOut, "no word from pmend");
  }
  std::vector<char> buffer(protocol::kMaxMessageBytes + 1);
  const ssize_t n = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (n <= 0) {
    return fail(Errc::kGone, "the connection to pmend ended");
  }
  return protocol::parse_message({buffer.data(), static_cast<std::size_t>(n)});
}

}  // namespace pmend::worker
