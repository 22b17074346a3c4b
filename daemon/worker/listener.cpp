// SPDX-License-Identifier: Apache-2.0
#include "worker/listener.hpp"

#include "loop/message_link.hpp"
#include "pmend/base/boundary.hpp"
#include "worker/observe/observer.hpp"
#include "worker/repair/repair_session.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <vector>

namespace pmend::worker {
namespace {

// The role that pmend's greeting asks for, looked at without taking it from the socket.
Role wanted_role(const Setting& setting, const UniqueFd& socket) {
  if (setting.options.role != Role::kListen) {
    return setting.options.role;
  }
  std::vector<char> buffer(protocol::kMaxMessageBytes + 1);
  const ssize_t n = recv(socket.get(), buffer.data(), buffer.size(), MSG_PEEK);
  const auto message = protocol::parse_message({buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0});
  const auto* hello = message ? std::get_if<protocol::Hello>(&*message) : nullptr;
  return hello != nullptr && hello->role == protocol::Role::kRepair ? Role::kRepair : Role::kObserve;
}

int observe_until_the_end(Setting setting, UniqueFd socket) {
  boost::asio::io_context io{1};
  Observer observer(io, std::move(setting), std::move(socket), [&io](const std::string& why) {
    if (why != loop::kClosedByPeer) {
      std::fprintf(stderr, "pmend-worker: observing ends: %s\n", why.c_str());
    }
    io.stop();
  });
  io.run();
  return 0;
}

}  // namespace

int serve_connection(Setting setting, UniqueFd socket) {
  if (wanted_role(setting, socket) == Role::kRepair) {
    begin_boundaries("repair");
    return RepairSession(std::move(setting), std::move(socket)).run();
  }
  begin_boundaries("observe");
  return observe_until_the_end(std::move(setting), std::move(socket));
}

int listen_and_serve(const Setting& setting) {
  // Children are nobody's concern here: pmend watches them.
  std::signal(SIGCHLD, SIG_IGN);
  auto listener = loop::listen_message_socket(setting.options.socket);
  if (!listener) {
    std::fprintf(stderr, "pmend-worker: %s\n", listener.error().message().c_str());
    return 1;
  }
  while (true) {
    UniqueFd connection(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) {
      continue;
    }
    if (fork() == 0) {
      listener->reset();
      // Children of this process are waited for.
      std::signal(SIGCHLD, SIG_DFL);
      _exit(serve_connection(setting, std::move(connection)));
    }
  }
}

}  // namespace pmend::worker
