// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/extent_oracle.hpp"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace pmend::disk {
namespace {

constexpr unsigned kLittleRoom = 256;
constexpr unsigned kMuchRoom = 1U << 20U;
constexpr unsigned kNoPlace = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE;

// All extents in one call; throws where that does not work, but for "not supported", which gives none.
std::vector<struct fiemap_extent> extents_of(const std::string& path, unsigned flags, unsigned room = kLittleRoom) {
  std::vector<char> memory(sizeof(struct fiemap) + room * sizeof(struct fiemap_extent));
  auto* map = reinterpret_cast<struct fiemap*>(memory.data());
  map->fm_length = FIEMAP_MAX_OFFSET;
  map->fm_flags = flags;
  map->fm_extent_count = room;
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  const int rc = fd < 0 ? -1 : ioctl(fd, FS_IOC_FIEMAP, map);
  const int error = errno;
  close(fd);
  if (rc < 0 && error == EOPNOTSUPP) {
    return {};
  }
  if (rc < 0 || (map->fm_mapped_extents == room && room == kMuchRoom)) {
    throw std::runtime_error("FIEMAP " + path);
  }
  if (map->fm_mapped_extents == room) {
    return extents_of(path, flags, kMuchRoom);
  }
  return {map->fm_extents, map->fm_extents + map->fm_mapped_extents};
}

std::vector<ByteRange> ranges_of(const std::string& path, unsigned flags) {
  std::vector<ByteRange> ranges;
  for (const struct fiemap_extent& e : extents_of(path, flags)) {
    if ((e.fe_flags & kNoPlace) == 0) {
      ranges.push_back({e.fe_physical, e.fe_length});
    }
  }
  return ranges;
}

void add_file(const std::string& path, std::uint64_t block_bytes, BlockOwners& owners) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) < 0) {
    throw std::runtime_error("lstat " + path);
  }
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return;
  }
  for (const struct fiemap_extent& e : extents_of(path, 0)) {
    if ((e.fe_flags & kNoPlace) != 0) {
      continue;
    }
    for (std::uint64_t done = 0; done < e.fe_length; done += block_bytes) {
      owners[e.fe_physical + done].insert({status.st_ino, e.fe_logical + done, S_ISDIR(status.st_mode),
                                           (e.fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0,
                                           (e.fe_flags & FIEMAP_EXTENT_SHARED) != 0});
    }
  }
}

}  // namespace

BlockOwners ask_every_file(const std::string& root, std::uint64_t block_bytes) {
  BlockOwners owners;
  add_file(root, block_bytes, owners);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    add_file(entry.path(), block_bytes, owners);
  }
  return owners;
}

std::vector<ByteRange> device_ranges(const std::string& path) {
  return ranges_of(path, 0);
}

std::vector<ByteRange> attribute_ranges(const std::string& path) {
  return ranges_of(path, FIEMAP_FLAG_XATTR);
}

}  // namespace pmend::disk
