// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/lease.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace pmend::repair {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kForOwnWorkers{5000};
constexpr milliseconds kForNobody{250};
constexpr milliseconds kPause{5};

enum class Users { kNobodySeen, kOwnWorkers, kOthers };

Result<Users> users_of(const Place& place, int fd) {
  struct stat status = {};
  if (fstat(fd, &status) < 0) {
    return fail_errno("fstat");
  }
  const auto openers = place.openers(status.st_dev, status.st_ino);
  if (openers.empty()) {
    return Users::kNobodySeen;
  }
  const bool own = std::all_of(openers.begin(), openers.end(),
                               [&place](const OpenBy& opener) { return place.is_own_worker(opener.pid); });
  return own ? Users::kOwnWorkers : Users::kOthers;
}

using Attempt = Result<std::optional<kernel::WriteLease>>;

// Tries again and again while those who are in the way may be waited for.
template <class MayWait>
Attempt attempt(const Place& place, int fd, MayWait may_wait) {
  const auto start = steady_clock::now();
  while (true) {
    auto lease = kernel::WriteLease::take(fd);
    if (!lease || *lease) {
      return lease;
    }
    const auto users = users_of(place, fd);
    if (!users) {
      return tl::make_unexpected(users.error());
    }
    if (!may_wait(*users, steady_clock::now() - start)) {
      return lease;
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

Result<std::optional<kernel::WriteLease>> take_lease(const Place& place, int fd) {
  return attempt(place, fd, [](Users users, steady_clock::duration waited) {
    return users != Users::kOthers && waited < (users == Users::kOwnWorkers ? kForOwnWorkers : kForNobody);
  });
}

Result<bool> could_be_leased(const Place& place, int fd) {
  bool only_own = false;
  const auto lease = attempt(place, fd, [&only_own](Users users, steady_clock::duration waited) {
    only_own = users == Users::kOwnWorkers;
    return users == Users::kNobodySeen && waited < kForNobody;
  });
  if (!lease) {
    return tl::make_unexpected(lease.error());
  }
  return lease->has_value() || only_own;
}

}  // namespace pmend::repair
