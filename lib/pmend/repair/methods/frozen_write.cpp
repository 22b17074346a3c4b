// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/methods/frozen_write.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/repair/frozen_target.hpp"
#include "pmend/repair/guarded_freeze.hpp"
#include "pmend/repair/plan_frozen.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace pmend::repair {
namespace {

MethodResult not_begun(Ending ending) {
  return {std::move(ending), false, {}};
}

// The file system's own block device, for writing past its page cache.
Result<UniqueFd> open_volume(const Place& place) {
  auto fd = open_file(place.freeze.node, O_RDWR | O_DIRECT);
  struct stat device {};
  struct stat mount {};
  if (!fd) {
    return fd;
  }
  if (fstat(fd->get(), &device) < 0 || fstat(place.mount_fd, &mount) < 0) {
    return fail_errno("stat " + place.freeze.node);
  }
  if (!S_ISBLK(device.st_mode) || device.st_rdev != mount.st_dev) {
    return fail(Errc::kStale, place.freeze.node + " is not the device of the file system");
  }
  return fd;
}

// What lies there now is what was spooled; of a write that was cut off, or of somebody since, only where `begun`.
Obstacle check_look(const UnitWork& work, const FrozenLook& look, const FrozenFacts& facts, Begun begun) {
  if (begun == Begun::kNo) {
    if (look.cache_is_newer) {
      return Ending{Outcome::kRefused,
                    "the page cache has newer bytes than the device beside the bad sector, which could not be written "
                    "back: a program that reads the file and replaces it saves them"};
    }
    if (auto difference = sectors_difference(work.before().unit.sectors, look.sectors)) {
      return changed(*difference);
    }
    return look.bytes == work.rebuilt ? std::nullopt : changed("bytes of the unit are not what was spooled");
  }
  for (std::size_t i = 0; i < look.sectors.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i * kSectorBytes);
    const bool same =
        std::equal(work.rebuilt.begin() + at, work.rebuilt.begin() + at + kSectorBytes, look.bytes.begin() + at);
    if (!same && look.sectors[i] != kSectorLost && facts.changed != work.index.changed) {
      return Ending{Outcome::kIndeterminate,
                    "the unit holds other bytes than those that were to be written, and a file that has it was changed "
                    "since: nobody knows by whom"};
    }
  }
  return std::nullopt;
}

// Under the freeze. Nothing of the file system can change from here on.
Obstacle check_all(const UnitWork& work, const TargetFiles& files, Begun begun) {
  const auto facts = frozen_facts(work.place, files, work.plan.units);
  if (!facts) {
    return before_change(facts.error());
  }
  if (begun == Begun::kNo && (facts->attributes != work.index.attributes || facts->extents != work.index.extents)) {
    return changed("mode, owner, extended attributes or the mapping of a file changed");
  }
  if (auto reason = forbidden_files(files)) {
    return Ending{Outcome::kRefused, *reason};
  }
  // Files say themselves what they have; of free space only the file system can say whether somebody took it.
  if (files.empty()) {
    if (auto obstacle = owners_obstacle(work.place, work.planned())) {
      return obstacle;
    }
  }
  const auto look = look_at_frozen(work.place, files, work.planned());
  if (!look) {
    return look.error();
  }
  if (auto obstacle = check_look(work, *look, *facts, begun)) {
    return obstacle;
  }
  return begun == Begun::kNo ? check_listed(work) : std::nullopt;
}

GuardOrder order_for(const UnitWork& work, Begun begun) {
  GuardOrder order;
  order.still_bad = begun == Begun::kNo;
  order.whole_pages = work.place.memory;
  order.device_range = work.planned().unit.device_range;
  order.device_range.offset -= work.place.file_system_offset;
  order.sectors = work.before().unit.sectors;
  order.bytes = work.rebuilt;
  return order;
}

// What the guard could not do before anything was written.
std::optional<Ending> not_written(int error) {
  if (error == kSectorReadsAgain) {
    return Ending{Outcome::kTargetChanged, "a bad sector can be read again"};
  }
  if (error == ESTALE) {
    return Ending{Outcome::kBusyRetry, "somebody else thawed the file system"};
  }
  return std::nullopt;
}

MethodResult write_and_look(const UnitWork& work, const TargetFiles& files, GuardedFreeze& freeze, Begun begun) {
  const auto neighbours = device_neighbours(work.place, work.plan, work.position);
  if (!neighbours) {
    return not_begun(before_change(neighbours.error()));
  }
  boundary("frozen-write: before the write");
  const auto written = freeze.write(order_for(work, begun));
  boundary("frozen-write: after the write");
  if (!written) {
    return {{Outcome::kIndeterminate, written.error().message()}, true, {}};
  }
  if (auto ending = not_written(*written)) {
    return not_begun(*ending);
  }
  auto look = look_after_frozen(work, files, Exclusion::kLease);
  const auto after = device_neighbours(work.place, work.plan, work.position);
  if (!look || !after) {
    return {{Outcome::kIndeterminate, look ? after.error().message() : look.error().message()}, true, {}};
  }
  look->neighbours = *after == *neighbours;
  std::optional<Error> failure;
  if (*written != 0) {
    failure = fail_errno("write to " + work.place.freeze.node, *written).value();
  }
  return {judge(*look, Exclusion::kLease, failure), true, {}};
}

MethodResult under_freeze(const UnitWork& work, const TargetFiles& files, int device_fd, Begun begun) {
  boundary("frozen-write: before the freeze");
  auto freeze = GuardedFreeze::begin(work.place, device_fd);
  if (!freeze) {
    return not_begun(before_change(freeze.error()));
  }
  boundary("frozen-write: after the freeze");
  const auto pinned = pin_cached(files, work.planned());
  const auto obstacle = check_all(work, files, begun);
  MethodResult result = obstacle ? not_begun(*obstacle) : write_and_look(work, files, *freeze, begun);
  boundary("frozen-write: before the thaw");
  const auto ended = freeze->end();
  boundary("frozen-write: after the thaw");
  // Who thawed it may have changed what was looked at before it was written.
  if (!ended && result.changing) {
    result.ending = {Outcome::kIndeterminate, ended.error().message()};
  }
  return result;
}

}  // namespace

MethodResult frozen_write(const UnitWork& work, Begun begun) {
  if (auto obstacle = freeze_obstacle(work.place)) {
    return not_begun(*obstacle);
  }
  if (auto obstacle = owners_obstacle(work.place, work.planned())) {
    return not_begun(*obstacle);
  }
  // Opened before: whoever opens a file under the freeze may have to wait for somebody who waits for the thaw.
  const auto files = open_files(work.place, work.plan.units);
  const auto device = open_volume(work.place);
  if (!files || !device) {
    return not_begun(before_change(files ? device.error() : files.error()));
  }
  return under_freeze(work, *files, device->get(), begun);
}

}  // namespace pmend::repair
