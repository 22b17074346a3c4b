// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/times.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/repair/lease.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace pmend::repair {

Ending restore_times(const Place& place, const FileId& file, const FileTime& own, const FileTime& before) {
  const auto fd = open_target(place, file, OpenFor::kReading);
  if (!fd) {
    return ending_of(fd.error());
  }
  const auto lease = take_lease(place, fd->get());
  if (!lease) {
    return ending_of(lease.error());
  }
  const auto facts = basic_facts(fd->get());
  if (!facts) {
    return ending_of(facts.error());
  }
  if (!*lease) {
    return {Outcome::kBusyRetry,
            "the modification time is left as it is: the file is in use by " + users_text(place, *facts)};
  }
  if (facts->modified == before) {
    return {Outcome::kUnnecessary, ""};
  }
  if (facts->modified != own) {
    return {Outcome::kTargetChanged, "the modification time is left as it is: somebody else changed the file"};
  }
  boundary("times: before they are put back");
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT},
                                      timespec{before.seconds, static_cast<long>(before.nanoseconds)}};
  if (futimens(fd->get(), times.data()) < 0 || fsync(fd->get()) < 0) {
    return ending_of(fail_errno("futimens").value());
  }
  boundary("times: after they were put back");
  return {Outcome::kSucceeded, ""};
}

}  // namespace pmend::repair
