// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/xfs_health.hpp"

#include "pmend/base/text.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

namespace pmend::kernel {
namespace {

// struct xfs_health_monitor, xfs_health_monitor_event, their numbers and the ioctl's as in fs/xfs/libxfs/xfs_fs.h of
// Linux 7.0; the headers of Debian 12 do not have them.
struct KernelMonitor {
  std::uint64_t flags;
  std::uint8_t format;
  std::uint8_t pad[23];
};
static_assert(sizeof(KernelMonitor) == 32);

struct KernelMedia {
  std::uint64_t sector;
  std::uint64_t count;
};

struct KernelFileRange {
  std::uint64_t offset;
  std::uint64_t length;
  std::uint64_t inode;
  std::uint32_t generation;
  std::uint32_t error;
};

struct KernelEvent {
  std::uint32_t domain;
  std::uint32_t type;
  std::uint64_t time_ns;
  union {
    std::uint64_t lost;
    std::uint32_t shutdown_reasons;
    KernelMedia media;
    KernelFileRange file;
  };
  std::uint64_t pad[2];
};
static_assert(sizeof(KernelEvent) == 64);

constexpr unsigned long kMonitorRequest = _IOW('X', 68, KernelMonitor);

constexpr std::uint32_t kMountDomain = 0;
constexpr std::uint32_t kDataDeviceDomain = 5;
constexpr std::uint32_t kFileRangeDomain = 8;
constexpr std::uint32_t kLostType = 1;
constexpr std::uint32_t kUnmountType = 2;
constexpr std::uint32_t kShutdownType = 6;
constexpr std::uint32_t kMediaErrorType = 7;
constexpr std::uint32_t kDataLostType = 12;

constexpr std::array kShutdownReasons = {"error of its metadata",          "error of its journal",
                                         "forced by an administrator",     "corruption found in memory",
                                         "corruption found on the medium", "its device is gone"};
constexpr std::size_t kEventsAtOnce = 64;

std::string reasons_of(std::uint32_t bits) {
  std::string reasons;
  for (std::size_t i = 0; i < kShutdownReasons.size(); ++i) {
    if ((bits >> i & 1U) != 0) {
      reasons += (reasons.empty() ? "" : ", ") + std::string(kShutdownReasons[i]);
    }
  }
  return reasons.empty() ? "reason " + std::to_string(bits) : reasons;
}

// Within what a file or a device can have.
bool is_range(std::uint64_t offset, std::uint64_t length) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return length > 0 && offset <= kMost && length <= kMost - offset;
}

HealthEvent event_of(const KernelEvent& raw) {
  constexpr std::uint64_t kMostSectors = std::numeric_limits<std::int64_t>::max() / kSectorBytes;
  HealthEvent event;
  if (raw.type == kLostType) {
    event.kind = HealthEvent::Kind::kLost;
    event.count = raw.lost;
  } else if (raw.domain == kMountDomain && raw.type == kUnmountType) {
    event.kind = HealthEvent::Kind::kUnmounted;
  } else if (raw.domain == kMountDomain && raw.type == kShutdownType) {
    event.kind = HealthEvent::Kind::kShutdown;
    event.reasons = reasons_of(raw.shutdown_reasons);
  } else if (raw.domain == kDataDeviceDomain && raw.type == kMediaErrorType && raw.media.sector <= kMostSectors &&
             raw.media.count <= kMostSectors &&
             is_range(raw.media.sector * kSectorBytes, raw.media.count * kSectorBytes)) {
    event.kind = HealthEvent::Kind::kMediaError;
    event.range = {raw.media.sector * kSectorBytes, raw.media.count * kSectorBytes};
  } else if (raw.domain == kFileRangeDomain && raw.type == kDataLostType &&
             is_range(raw.file.offset, raw.file.length)) {
    event.kind = HealthEvent::Kind::kDataLost;
    event.range = {raw.file.offset, raw.file.length};
    event.inode = raw.file.inode;
    event.generation = raw.file.generation;
  }
  return event;
}

}  // namespace

std::vector<HealthEvent> parse_health_events(std::span<const std::byte> bytes) {
  std::vector<HealthEvent> events;
  for (; bytes.size() >= sizeof(KernelEvent); bytes = bytes.subspan(sizeof(KernelEvent))) {
    KernelEvent raw;
    std::memcpy(&raw, bytes.data(), sizeof(raw));
    events.push_back(event_of(raw));
  }
  return events;
}

Result<XfsHealthMonitor> XfsHealthMonitor::open(const std::string& mount_point) {
  const auto root = open_file(mount_point, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!root) {
    return tl::make_unexpected(root.error());
  }
  KernelMonitor request{};
  UniqueFd fd(ioctl(root->get(), kMonitorRequest, &request));
  if (!fd) {
    return fail_errno("health monitor of " + escape_bytes(mount_point));
  }
  if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) < 0 || fcntl(fd.get(), F_SETFD, FD_CLOEXEC) < 0) {
    return fail_errno("fcntl");
  }
  return XfsHealthMonitor(std::move(fd));
}

Result<std::optional<std::vector<HealthEvent>>> XfsHealthMonitor::read() const {
  std::array<std::byte, kEventsAtOnce * sizeof(KernelEvent)> buffer;
  const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
  if (got == 0) {
    return std::nullopt;
  }
  if (got < 0 && errno != EAGAIN && errno != EINTR) {
    return fail_errno("read of a health monitor");
  }
  return parse_health_events(std::span(buffer).first(got < 0 ? 0 : static_cast<std::size_t>(got)));
}

}  // namespace pmend::kernel
