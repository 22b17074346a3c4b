// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/guard_link.hpp"

#include "pmend/model/plan.hpp"
#include "pmend/repair/place.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace pmend::repair {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxDescriptors = 8;
constexpr std::uint64_t kMaxOrderBytes = 256U << 10U;

constexpr std::uint32_t kStillBad = 1;
constexpr std::uint32_t kWholePages = 2;

// What comes first; the letters and the bytes follow.
struct OrderHead {
  GuardVerb verb;
  std::uint32_t flags;
  std::int64_t limit_ms;
  std::uint64_t offset;
  std::uint64_t length;
};

Status wait_for_message(int socket, milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd wait{socket, POLLIN, 0};
    const int ready = poll(&wait, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready > 0) {
      return {};
    }
    if (ready == 0) {
      return fail(Errc::kTimedOut, "no message in time");
    }
    if (errno != EINTR) {
      return fail_errno("poll");
    }
  }
}

// One whole message with its descriptors. Errors: kGone at the end.
struct Packet {
  std::vector<std::byte> bytes;
  std::vector<UniqueFd> descriptors;
};
Result<Packet> receive_packet(int socket, milliseconds limit, std::size_t most) {
  if (auto ready = wait_for_message(socket, limit); !ready) {
    return tl::make_unexpected(ready.error());
  }
  Packet packet;
  packet.bytes.resize(most);
  iovec part{packet.bytes.data(), packet.bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (n <= 0) {
    return fail(Errc::kGone, n == 0 ? "the other side is gone" : "recvmsg");
  }
  packet.bytes.resize(static_cast<std::size_t>(n));
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr; part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    std::array<int, kMaxDescriptors> numbers{};
    const std::size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(numbers.data(), CMSG_DATA(part_of), count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) {
      packet.descriptors.emplace_back(numbers[i]);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(Errc::kInvalid, "a message is too long");
  }
  return packet;
}

bool is_order(const OrderHead& head, std::size_t rest) {
  if (head.verb == GuardVerb::kFreeze || head.verb == GuardVerb::kThaw) {
    return rest == 0 && head.limit_ms >= 0;
  }
  const std::uint64_t whole = (head.flags & kWholePages) != 0 ? kPageBytes : kSectorBytes;
  return head.verb == GuardVerb::kWrite && head.offset % whole == 0 && head.length % whole == 0 &&
         head.length <= kMaxOrderBytes && rest == head.length / kSectorBytes + head.length;
}

}  // namespace

Status send_order(int socket, const GuardOrder& order, const std::vector<int>& descriptors) {
  const std::uint32_t flags = (order.still_bad ? kStillBad : 0) | (order.whole_pages ? kWholePages : 0);
  OrderHead head{order.verb, flags, order.limit.count(), order.device_range.offset, order.device_range.length};
  std::string sectors = order.sectors;
  std::vector<std::byte> bytes = order.bytes;
  std::array<iovec, 3> parts{iovec{&head, sizeof head}, iovec{sectors.data(), sectors.size()},
                             iovec{bytes.data(), bytes.size()}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (!descriptors.empty() && descriptors.size() <= kMaxDescriptors) {
    const std::size_t length = descriptors.size() * sizeof(int);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(length);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(length);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), length);
  }
  if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    return fail_errno("send an order to the guard");
  }
  return {};
}

Result<ReceivedOrder> receive_order(int socket, milliseconds limit) {
  constexpr std::size_t kMost = sizeof(OrderHead) + kMaxOrderBytes / kSectorBytes + kMaxOrderBytes;
  auto packet = receive_packet(socket, limit, kMost);
  if (!packet) {
    return tl::make_unexpected(packet.error());
  }
  OrderHead head{};
  if (packet->bytes.size() < sizeof head) {
    return fail(Errc::kInvalid, "not an order");
  }
  std::memcpy(&head, packet->bytes.data(), sizeof head);
  const auto rest = std::span(packet->bytes).subspan(sizeof head);
  if (!is_order(head, rest.size())) {
    return fail(Errc::kInvalid, "not an order");
  }
  ReceivedOrder received;
  received.descriptors = std::move(packet->descriptors);
  GuardOrder& order = received.order;
  order.verb = head.verb;
  order.still_bad = (head.flags & kStillBad) != 0;
  order.whole_pages = (head.flags & kWholePages) != 0;
  order.limit = milliseconds(head.limit_ms);
  order.device_range = {head.offset, head.length};
  const std::size_t letters = rest.size() - (rest.empty() ? 0 : head.length);
  for (const std::byte letter : rest.first(letters)) {
    order.sectors.push_back(static_cast<char>(letter));
  }
  order.bytes.assign(rest.begin() + static_cast<std::ptrdiff_t>(letters), rest.end());
  if (order.verb == GuardVerb::kWrite && !are_sectors(order.sectors, order.device_range.length)) {
    return fail(Errc::kInvalid, "not an order");
  }
  return received;
}

Status send_report(int socket, const GuardReport& report) {
  if (send(socket, &report, sizeof report, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return fail_errno("send a report of the guard");
  }
  return {};
}

Result<GuardReport> receive_report(int socket, milliseconds limit) {
  const auto packet = receive_packet(socket, limit, sizeof(GuardReport));
  if (!packet) {
    return tl::make_unexpected(packet.error());
  }
  GuardReport report;
  if (packet->bytes.size() != sizeof report) {
    return fail(Errc::kInvalid, "not a report");
  }
  std::memcpy(&report, packet->bytes.data(), sizeof report);
  return report;
}

}  // namespace pmend::repair
