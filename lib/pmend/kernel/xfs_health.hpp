// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// The health monitor of XFS (XFS_IOC_HEALTH_MONITOR, Linux 7.0; fs/xfs/xfs_healthmon.c): what a mounted file system
// notices of itself. One program at a time may listen to a file system.
namespace pmend::kernel {

struct HealthEvent {
  enum class Kind {
    kLost,        // `count` events did not fit into the queue
    kUnmounted,   // the last one there will be
    kShutdown,    // `reasons`
    kMediaError,  // `range`: bytes of the data device
    kDataLost,    // `range`: bytes of the file `inode`, `generation`
    kOther,       // health of metadata, errors of the log and realtime devices, failed reads and writes
  };
  Kind kind = Kind::kOther;
  std::uint64_t count = 0;
  std::string reasons;  // in words
  ByteRange range;
  std::uint64_t inode = 0;
  std::uint32_t generation = 0;

  friend bool operator==(const HealthEvent&, const HealthEvent&) = default;
};

// Of the bytes that a monitor gave: whole events of struct xfs_health_monitor_event. Nonsense is kOther.
std::vector<HealthEvent> parse_health_events(std::span<const std::byte> bytes);

class XfsHealthMonitor {
 public:
  // Of the file system that is mounted there. Does not keep it from being unmounted. Needs CAP_SYS_ADMIN. Errors: the
  // errno; ENOTTY before Linux 7.0 and on another type, EEXIST if somebody listens already.
  static Result<XfsHealthMonitor> open(const std::string& mount_point);

  // Becomes readable when there are events, and for ever once the file system is gone.
  int fd() const { return fd_.get(); }

  // What there is, without waiting; nothing: there will be no more. Errors: the errno.
  Result<std::optional<std::vector<HealthEvent>>> read() const;

 private:
  explicit XfsHealthMonitor(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace pmend::kernel
