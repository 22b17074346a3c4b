// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/guarded_freeze.hpp"

#include "pmend/repair/child.hpp"
#include "pmend/repair/freeze_marker.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace pmend::repair {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// What takes longer to be written back would keep writers waiting under the freeze too.
constexpr milliseconds kSyncLimit{10'000};
// Longer than any limit of the guard's own, after which it says at least that it is stuck.
constexpr milliseconds kAnswerLimit{15'000};
constexpr milliseconds kLeftoverLimit{5'000};

// Files whose writing back fails are no obstacle: what only the page cache has is found there.
Status sync_file_system(int mount_fd) {
  const auto child = run_in_child(kSyncLimit, [mount_fd] {
    (void)syncfs(mount_fd);  // as above
    return 0;
  });
  if (!child) {
    return tl::make_unexpected(child.error());
  }
  return child->end == ChildEnd::kExited ? Status() : failed_child(*child, "sync the file system");
}

Error not_frozen(const GuardReport& report) {
  if (report.state == GuardState::kStuck) {
    return fail(Errc::kTimedOut, "the freeze hangs; it is thawed as soon as it comes about").value();
  }
  if (report.error == EBUSY) {
    return fail_errno("somebody else has frozen the file system", EBUSY).value();
  }
  return fail_errno("freeze the file system", report.error).value();
}

}  // namespace

Result<GuardedFreeze> GuardedFreeze::begin(const Place& place, int device_fd) {
  if (auto synced = sync_file_system(place.mount_fd); !synced) {
    return tl::make_unexpected(synced.error());
  }
  auto socket = place.freeze.connect_guard();
  if (!socket) {
    return tl::make_unexpected(socket.error());
  }
  GuardOrder order;
  order.verb = GuardVerb::kFreeze;
  order.limit = place.freeze.limit;
  std::vector<int> descriptors{place.mount_fd, device_fd};
  descriptors.insert(descriptors.end(), place.freeze.locks.begin(), place.freeze.locks.end());
  GuardedFreeze freeze(place, std::move(*socket));
  if (auto sent = send_order(freeze.socket_.get(), order, descriptors); !sent) {
    return tl::make_unexpected(sent.error());
  }
  const auto report = freeze.next_report();
  if (report && report->state == GuardState::kFrozen) {
    return freeze;
  }
  if (report || !report.error().is(Errc::kGone)) {
    freeze.socket_.reset();
    return tl::make_unexpected(report ? not_frozen(*report) : report.error());
  }
  const auto ended = freeze.end_without_guard();
  freeze.socket_.reset();
  return tl::make_unexpected(ended ? report.error() : ended.error());
}

GuardedFreeze::~GuardedFreeze() {
  if (socket_) {
    (void)end();  // who wants to know asks before
  }
}

Result<int> GuardedFreeze::write(GuardOrder order) {
  order.verb = GuardVerb::kWrite;
  if (auto sent = send_order(socket_.get(), order, {}); !sent) {
    return fail(Errc::kGone, "the time of the freeze was up");
  }
  const auto report = next_report();
  if (!report) {
    return tl::make_unexpected(report.error());
  }
  if (report->state == GuardState::kStuck) {
    return fail(Errc::kTimedOut, "the write hangs in the kernel; the file system stays frozen until it is over");
  }
  if (report->state != GuardState::kFrozen) {
    return fail(Errc::kGone, "the time of the freeze was up");
  }
  return report->error;
}

Result<microseconds> GuardedFreeze::end() {
  const UniqueFd socket = std::exchange(socket_, UniqueFd());
  (void)send_order(socket.get(), {}, {});  // if the guard is gone, the answer tells
  while (true) {
    const auto report = receive_report(socket.get(), kAnswerLimit);
    if (!report) {
      return report.error().is(Errc::kGone) ? end_without_guard() : tl::make_unexpected(report.error());
    }
    if (report->state == GuardState::kThawed) {
      if (report->error == EINVAL) {
        return fail(Errc::kStale, "somebody else thawed the file system in between");
      }
      return report->error == 0 ? Result<microseconds>(report->frozen) : fail_errno("thaw", report->error);
    }
  }
}

Result<GuardReport> GuardedFreeze::next_report() const {
  return receive_report(socket_.get(), kAnswerLimit);
}

// The guard died: what it left is thawed as soon as its writer is gone too.
Result<microseconds> GuardedFreeze::end_without_guard() const {
  const auto open_mount = [this](dev_t) {
    return open_file("/proc/self/fd/" + std::to_string(place_->mount_fd), O_RDONLY);
  };
  const auto left = thaw_leftovers(place_->freeze.runtime_directory, open_mount, kLeftoverLimit);
  if (!left) {
    return tl::make_unexpected(left.error());
  }
  if (!left->frozen.empty()) {
    return fail(Errc::kTimedOut, "the guard of the freeze is gone, and its write hangs in the kernel");
  }
  return fail(Errc::kStale, "the guard of the freeze died");
}

}  // namespace pmend::repair
