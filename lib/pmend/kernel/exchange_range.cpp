// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/exchange_range.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>
#include <string>
#include <thread>
#include <tuple>

namespace pmend::kernel {
namespace {

// struct xfs_commit_range (fs/xfs/libxfs/xfs_fs.h). File 1 is the donor, file 2 the one of the call.
struct KernelCommitRange {
  std::int32_t file1_fd;
  std::uint32_t pad;
  std::uint64_t file1_offset;
  std::uint64_t file2_offset;
  std::uint64_t length;
  std::uint64_t flags;
  std::array<std::uint64_t, 6> file2_freshness;
};
static_assert(sizeof(KernelCommitRange) == 88);

// The directions are the kernel's: the first fills in what the second takes.
constexpr unsigned long kStartCommit = _IOR('X', 130, KernelCommitRange);
constexpr unsigned long kCommitRange = _IOW('X', 131, KernelCommitRange);
constexpr std::uint64_t kFlagDurable = 2;  // XFS_EXCHANGE_RANGE_DSYNC

constexpr int kTicks = 20;
constexpr std::chrono::milliseconds kTick{2};

bool is_before(const timespec& a, const timespec& b) {
  return std::tie(a.tv_sec, a.tv_nsec) < std::tie(b.tv_sec, b.tv_nsec);
}

// False if the file was changed at or after `since`, by the clock that stamps files. A time that lies far ahead was
// stamped before the clock was set back.
Result<bool> is_unchanged_since(int fd, const timespec& since) {
  struct stat status = {};
  if (fstat(fd, &status) < 0) {
    return fail_errno("fstat");
  }
  return is_before(status.st_ctim, since) || status.st_ctim.tv_sec > since.tv_sec + 1;
}

}  // namespace

Result<RangeCommit> RangeCommit::start(int target_fd) {
  for (int i = 0; i < kTicks; ++i) {
    timespec before = {};
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    KernelCommitRange k{};
    if (ioctl(target_fd, kStartCommit, &k) < 0) {
      return fail_errno("XFS_IOC_START_COMMIT");
    }
    const auto unchanged = is_unchanged_since(target_fd, before);
    if (!unchanged) {
      return tl::make_unexpected(unchanged.error());
    }
    if (*unchanged) {
      return RangeCommit(target_fd, k.file2_freshness);
    }
    std::this_thread::sleep_for(kTick);
  }
  return fail_errno("the file is changed all the time", EBUSY);
}

Status RangeCommit::commit(int donor_fd, std::uint64_t donor_offset, const ByteRange& file_range) const {
  KernelCommitRange k{};
  k.file1_fd = donor_fd;
  k.file1_offset = donor_offset;
  k.file2_offset = file_range.offset;
  k.length = file_range.length;
  k.flags = kFlagDurable;
  k.file2_freshness = freshness_;
  if (ioctl(target_fd_, kCommitRange, &k) < 0) {
    return fail_errno("XFS_IOC_COMMIT_RANGE " + to_string(file_range));
  }
  return {};
}

}  // namespace pmend::kernel
