// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/xfs_geometry.hpp"

#include <sys/ioctl.h>

#include <bit>

namespace pmend::kernel {
namespace {

// struct xfs_fsop_geom, version 5 (fs/xfs/libxfs/xfs_fs.h).
struct KernelGeometry {
  std::uint32_t blocksize;
  std::uint32_t rtextsize;
  std::uint32_t agblocks;
  std::uint32_t agcount;
  std::uint32_t logblocks;
  std::uint32_t sectsize;
  std::uint32_t inodesize;
  std::uint32_t imaxpct;
  std::uint64_t datablocks;
  std::uint64_t rtblocks;
  std::uint64_t rtextents;
  std::uint64_t logstart;  // 0: external
  std::uint8_t uuid[16];
  std::uint32_t sunit;
  std::uint32_t swidth;
  std::int32_t version;
  std::uint32_t flags;
  std::uint32_t logsectsize;
  std::uint32_t rtsectsize;
  std::uint32_t dirblocksize;
  std::uint32_t logsunit;
  std::uint32_t sick;
  std::uint32_t checked;
  std::uint64_t reserved[17];
};
static_assert(sizeof(KernelGeometry) == 256);

constexpr unsigned long kGeometryRequest = _IOR('X', 126, KernelGeometry);
constexpr std::uint32_t kFlagReverseMap = 1U << 19U;  // XFS_FSOP_GEOM_FLAGS_RMAPBT
constexpr std::uint32_t kFlagReflink = 1U << 20U;     // XFS_FSOP_GEOM_FLAGS_REFLINK
constexpr std::uint32_t kFlagExchange = 1U << 24U;    // XFS_FSOP_GEOM_FLAGS_EXCHANGE_RANGE
constexpr std::uint32_t kFlagParents = 1U << 25U;     // XFS_FSOP_GEOM_FLAGS_PARENT

// The number of an inode is that of its allocation group, of its block in there and of its place in that, one behind
// the other, in as many bits as each may need.
std::uint64_t last_inode(const KernelGeometry& k) {
  const auto bits_for = [](std::uint32_t count) {
    return count <= 1 ? 0U : static_cast<unsigned>(std::bit_width(count - 1));
  };
  const std::uint32_t places = k.inodesize == 0 ? 1 : k.blocksize / k.inodesize;
  return (std::uint64_t{k.agcount} << (bits_for(k.agblocks) + bits_for(places))) - 1;
}

}  // namespace

Result<XfsGeometry> xfs_geometry(int fd) {
  KernelGeometry k{};
  if (ioctl(fd, kGeometryRequest, &k) < 0) {
    return fail_errno("XFS_IOC_FSGEOMETRY");
  }
  XfsGeometry geometry;
  geometry.block_bytes = k.blocksize;
  geometry.data_blocks = k.datablocks;
  geometry.realtime_blocks = k.rtblocks;
  geometry.external_log = k.logstart == 0;
  geometry.reverse_map = (k.flags & kFlagReverseMap) != 0;
  geometry.reflink = (k.flags & kFlagReflink) != 0;
  geometry.exchange_range = (k.flags & kFlagExchange) != 0;
  geometry.parent_pointers = (k.flags & kFlagParents) != 0;
  geometry.last_inode = last_inode(k);
  return geometry;
}

}  // namespace pmend::kernel
