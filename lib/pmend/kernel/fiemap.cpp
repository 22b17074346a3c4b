// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/fiemap.hpp"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cstddef>
#include <limits>
#include <new>
#include <vector>

namespace pmend::kernel {
namespace {

// The plain name is taken by the function.
using Header = struct ::fiemap;

constexpr std::uint32_t kFewExtents = 16;  // where few are to be expected
constexpr std::uint32_t kManyExtents = 256;
constexpr std::uint64_t kSmallFileRange = 64U << 10U;
constexpr std::uint32_t kNoPlace = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |
                                   FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL;
constexpr std::uint32_t kSaysNothing = FIEMAP_EXTENT_LAST | FIEMAP_EXTENT_MERGED;

// The ioctl's argument with its trailing array, in suitably aligned memory.
class ExtentsRequest {
 public:
  explicit ExtentsRequest(std::uint32_t extents)
      : extents_(extents), memory_(sizeof(Header) + extents * sizeof(struct fiemap_extent)) {
    map_ = new (memory_.data()) Header();
  }

  std::uint32_t extents() const { return extents_; }

  Header* get() { return map_; }
  const struct fiemap_extent& extent(std::uint32_t i) const { return map_->fm_extents[i]; }

 private:
  std::uint32_t extents_;
  std::vector<std::byte> memory_;
  Header* map_;
};

void append(std::vector<FileExtent>& extents, const FileExtent& next) {
  if (!extents.empty()) {
    FileExtent& last = extents.back();
    const bool continues = last.file_offset + last.length == next.file_offset &&
                           last.device_offset + last.length == next.device_offset && last.flags == next.flags;
    if (continues && next.has_device_range()) {
      last.length += next.length;
      return;
    }
  }
  extents.push_back(next);
}

}  // namespace

bool FileExtent::has_device_range() const {
  return (flags & kNoPlace) == 0;
}
bool FileExtent::is_encoded() const {
  return (flags & FIEMAP_EXTENT_ENCODED) != 0;
}
bool FileExtent::is_unwritten() const {
  return (flags & FIEMAP_EXTENT_UNWRITTEN) != 0;
}
bool FileExtent::is_shared() const {
  return (flags & FIEMAP_EXTENT_SHARED) != 0;
}

Result<std::vector<FileExtent>> fiemap(int fd, const ByteRange& file_range, FiemapSync sync) {
  std::vector<FileExtent> extents;
  ExtentsRequest request(file_range.length <= kSmallFileRange ? kFewExtents : kManyExtents);
  std::uint64_t position = file_range.offset;
  while (position < file_range.end()) {
    *request.get() = Header();
    request.get()->fm_start = position;
    request.get()->fm_length = file_range.end() - position;
    request.get()->fm_flags = sync == FiemapSync::kYes ? FIEMAP_FLAG_SYNC : 0;
    request.get()->fm_extent_count = request.extents();
    if (ioctl(fd, FS_IOC_FIEMAP, request.get()) < 0) {
      return fail_errno("FIEMAP " + to_string(file_range));
    }
    const std::uint32_t count = request.get()->fm_mapped_extents;
    for (std::uint32_t i = 0; i < count; ++i) {
      const struct fiemap_extent& e = request.extent(i);
      append(extents, {e.fe_logical, e.fe_physical, e.fe_length, e.fe_flags & ~kSaysNothing});
    }
    if (count == 0 || (request.extent(count - 1).fe_flags & FIEMAP_EXTENT_LAST) != 0) {
      break;
    }
    position = request.extent(count - 1).fe_logical + request.extent(count - 1).fe_length;
  }
  return extents;
}

Result<std::vector<FileExtent>> fiemap(int fd, FiemapSync sync) {
  return fiemap(fd, {0, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())}, sync);
}

}  // namespace pmend::kernel
