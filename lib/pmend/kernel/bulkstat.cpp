// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/bulkstat.hpp"

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace pmend::kernel {
namespace {

// struct xfs_bulkstat, xfs_bulk_ireq and the ioctl number as in fs/xfs/libxfs/xfs_fs.h (Linux 5.3 and later); Debian
// keeps them in a package of their own that nothing else here needs.
struct KernelBulkstat {
  std::uint64_t ino;
  std::uint64_t size;
  std::uint64_t blocks;
  std::uint64_t xflags;
  std::int64_t atime;
  std::int64_t mtime;
  std::int64_t ctime;
  std::int64_t btime;
  std::uint32_t gen;
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint32_t projectid;
  std::uint32_t atime_nsec;
  std::uint32_t mtime_nsec;
  std::uint32_t ctime_nsec;
  std::uint32_t btime_nsec;
  std::uint32_t blksize;
  std::uint32_t rdev;
  std::uint32_t cowextsize_blks;
  std::uint32_t extsize_blks;
  std::uint32_t nlink;
  std::uint32_t extents;
  std::uint32_t aextents;
  std::uint16_t version;
  std::uint16_t forkoff;
  std::uint16_t sick;
  std::uint16_t checked;
  std::uint16_t mode;
  std::uint16_t pad2;
  std::uint64_t extents64;
  std::uint64_t pad[6];
};
static_assert(sizeof(KernelBulkstat) == 192);

struct KernelRequest {
  std::uint64_t ino;
  std::uint32_t flags;
  std::uint32_t icount;
  std::uint32_t ocount;
  std::uint32_t agno;
  std::uint64_t reserved[5];
};
static_assert(sizeof(KernelRequest) == 64);

constexpr unsigned long kBulkstatRequest = _IOR('X', 127, KernelRequest);
constexpr std::uint64_t kXflagRealtime = 0x1;  // FS_XFLAG_REALTIME
constexpr std::uint32_t kBatch = 4096;

BulkstatRecord to_record(const KernelBulkstat& k) {
  return {k.ino, k.gen, k.mode, k.nlink, k.blocks, (k.xflags & kXflagRealtime) != 0};
}

Result<std::vector<BulkstatRecord>> bulkstat(int mount_fd, std::uint64_t first, std::uint32_t count) {
  std::vector<std::byte> memory(sizeof(KernelRequest) + count * sizeof(KernelBulkstat));
  auto* request = new (memory.data()) KernelRequest{};
  request->ino = first;
  request->icount = count;
  if (ioctl(mount_fd, kBulkstatRequest, request) < 0) {
    return fail_errno("BULKSTAT from inode " + std::to_string(first));
  }
  const auto* found = std::launder(reinterpret_cast<const KernelBulkstat*>(memory.data() + sizeof(KernelRequest)));
  std::vector<BulkstatRecord> records;
  records.reserve(request->ocount);
  for (std::uint32_t i = 0; i < request->ocount; ++i) {
    records.push_back(to_record(found[i]));
  }
  return records;
}

}  // namespace

Result<std::optional<BulkstatRecord>> bulkstat_one(int mount_fd, std::uint64_t inode) {
  const auto records = bulkstat(mount_fd, inode, 1);
  if (!records) {
    return tl::make_unexpected(records.error());
  }
  if (records->empty() || records->front().inode != inode) {
    return std::nullopt;
  }
  return records->front();
}

Result<std::vector<BulkstatRecord>> bulkstat_from(int mount_fd, std::uint64_t first) {
  return bulkstat(mount_fd, first, kBatch);
}

}  // namespace pmend::kernel
