// SPDX-License-Identifier: Apache-2.0
#include "loop/message_link.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace pmend::loop {
namespace {

constexpr std::size_t kMostWaitingBytes = 4U << 20U;
// A busy peer must not starve the rest of the loop.
constexpr int kMessagesPerTurn = 64;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return fail(Errc::kInvalid, "socket path '" + path + "' does not fit into an address");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<UniqueFd> new_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) {
    return fail_errno("socket");
  }
  return fd;
}

}  // namespace

MessageLink::MessageLink(boost::asio::io_context& io, UniqueFd socket, Handlers handlers)
    : io_(io),
      socket_(std::move(socket)),
      handlers_(std::move(handlers)),
      reader_(std::make_unique<FdWatch>(io, socket_.get(), FdWatch::For::kReadable, [this] { receive(); })) {}

MessageLink::~MessageLink() {
  *alive_ = false;
}

Status MessageLink::send(const protocol::Message& message) {
  if (!open_) {
    return fail(Errc::kGone, "worker link");
  }
  auto datagram = protocol::encode(message);
  if (!datagram) {
    return tl::make_unexpected(datagram.error());
  }
  if (waiting_bytes_ + datagram->size() > kMostWaitingBytes) {
    return fail(Errc::kTimedOut, "the peer does not read");
  }
  waiting_bytes_ += datagram->size();
  waiting_.push_back(std::move(*datagram));
  if (!writer_) {
    flush();
  }
  return {};
}

void MessageLink::flush() {
  while (!waiting_.empty()) {
    const std::string& next = waiting_.front();
    if (::send(socket_.get(), next.data(), next.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      if (errno == EAGAIN) {
        writer_ = std::make_unique<FdWatch>(io_, socket_.get(), FdWatch::For::kWritable, [this] {
          writer_.reset();
          flush();
        });
      }
      // Any other error shows as the end of the connection when it is read.
      return;
    }
    waiting_bytes_ -= next.size();
    waiting_.pop_front();
  }
}

void MessageLink::receive() {
  const auto alive = alive_;
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    if (!receive_one() || !*alive) {
      return;
    }
  }
}

bool MessageLink::receive_one() {
  std::array<char, protocol::kMaxMessageBytes + 1> buffer;
  const ssize_t n = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return false;
  }
  if (n < 0 && errno == ECONNRESET) {
    // The peer closed before it had read all of ours. What it sent is still queued, and then comes the end.
    return true;
  }
  if (n <= 0) {
    end(n == 0 ? kClosedByPeer : std::strerror(errno));
    return false;
  }
  auto message = protocol::parse_message({buffer.data(), static_cast<std::size_t>(n)});
  if (!message) {
    end("the peer sent no valid message: " + message.error().message());
    return false;
  }
  handlers_.on_message(std::move(*message));
  return true;  // nothing of this object may be touched here
}

void MessageLink::end(const std::string& why) {
  open_ = false;
  reader_.reset();
  writer_.reset();
  socket_.reset();
  const auto call = std::exchange(handlers_.on_end, nullptr);
  call(why);
}

Result<std::pair<UniqueFd, UniqueFd>> message_socket_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return fail_errno("socketpair");
  }
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

Result<UniqueFd> connect_message_socket(const std::string& path) {
  const auto address = address_of(path);
  auto fd = new_socket();
  if (!address || !fd) {
    return tl::make_unexpected(address ? fd.error() : address.error());
  }
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) < 0) {
    return fail_errno("connect to " + path);
  }
  return fd;
}

Result<UniqueFd> listen_message_socket(const std::string& path) {
  const auto address = address_of(path);
  auto fd = new_socket();
  if (!address || !fd) {
    return tl::make_unexpected(address ? fd.error() : address.error());
  }
  // A socket file outlives its listener; one that answers is in use.
  if (const auto other = connect_message_socket(path); other || other.error().is_errno(EAGAIN)) {
    return fail_errno("listen on " + path, EADDRINUSE);
  }
  unlink(path.c_str());
  if (bind(fd->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) < 0) {
    return fail_errno("bind " + path);
  }
  if (listen(fd->get(), 16) < 0) {
    return fail_errno("listen on " + path);
  }
  return fd;
}

}  // namespace pmend::loop
