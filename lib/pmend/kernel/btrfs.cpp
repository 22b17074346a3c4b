// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/btrfs.hpp"

#include <endian.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <new>

namespace pmend::kernel {
namespace {

constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();
// What one answer of LOGICAL_INO_V2 may take; the kernel takes no more than 16 MiB.
constexpr std::size_t kMostAnswerBytes = 16U << 20U;
constexpr std::size_t kFirstAnswerBytes = 64U << 10U;

struct TreeKey {
  std::uint64_t tree;
  std::uint64_t object;
  std::uint32_t type;
};

// Calls `take` with the offset of the key and the bytes of each item; it returns false for bytes that do not parse.
using TakeItem = std::function<bool(std::uint64_t offset, const char* bytes, std::size_t size)>;

Status search_tree_items(int fd, const TreeKey& key, std::uint64_t first, std::uint64_t last, const TakeItem& take) {
  while (true) {
    struct btrfs_ioctl_search_args args = {};
    args.key.tree_id = key.tree;
    args.key.min_objectid = args.key.max_objectid = key.object;
    args.key.min_type = args.key.max_type = key.type;
    args.key.min_offset = first;
    args.key.max_offset = last;
    args.key.max_transid = kEnd;
    args.key.nr_items = std::numeric_limits<std::uint32_t>::max();
    if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args) < 0) {
      return fail_errno("BTRFS_IOC_TREE_SEARCH");
    }
    std::size_t at = 0;
    struct btrfs_ioctl_search_header header = {};
    for (std::uint32_t i = 0; i < args.key.nr_items; ++i) {
      if (at + sizeof header > sizeof args.buf) {
        return fail(Errc::kInvalid, "the answer of BTRFS_IOC_TREE_SEARCH");
      }
      std::memcpy(&header, args.buf + at, sizeof header);
      at += sizeof header;
      if (header.len > sizeof args.buf - at || !take(header.offset, args.buf + at, header.len)) {
        return fail(Errc::kInvalid, "an item of tree " + std::to_string(key.tree));
      }
      at += header.len;
    }
    if (args.key.nr_items == 0 || header.offset >= last) {
      return {};
    }
    first = header.offset + 1;
  }
}

template <class T>
bool read_item(const char* bytes, std::size_t size, T& item) {
  if (size < sizeof item) {
    return false;
  }
  std::memcpy(&item, bytes, sizeof item);
  return true;
}

// A btrfs_data_container and the room behind it. The kernel aligns its elements to 8 bytes.
class Container {
 public:
  explicit Container(std::size_t bytes) : words_(bytes / sizeof(std::uint64_t)) {}

  std::uint64_t address() { return reinterpret_cast<std::uintptr_t>(words_.data()); }
  std::uint64_t bytes() const { return words_.size() * sizeof(std::uint64_t); }
  struct btrfs_data_container head() const {
    struct btrfs_data_container head = {};
    std::memcpy(&head, words_.data(), sizeof head);
    return head;
  }
  std::uint64_t value(std::size_t i) const { return words_[kHeadWords + i]; }
  std::size_t value_count() const { return words_.size() - kHeadWords; }
  // The text at an offset from the first value, which is how INO_PATHS points to names.
  Result<std::string> text(std::uint64_t offset) const {
    const char* const first = reinterpret_cast<const char*>(words_.data() + kHeadWords);
    const std::size_t size = value_count() * sizeof(std::uint64_t);
    const std::size_t length = offset < size ? strnlen(first + offset, size - offset) : size;
    if (offset >= size || length == size - offset) {
      return fail(Errc::kInvalid, "the answer of BTRFS_IOC_INO_PATHS");
    }
    return std::string(first + offset, length);
  }

 private:
  static constexpr std::size_t kHeadWords = sizeof(struct btrfs_data_container) / sizeof(std::uint64_t);
  std::vector<std::uint64_t> words_;
};

// What a file handle of btrfs without parent holds (fs/btrfs/export.h).
struct BtrfsFileId {
  std::uint64_t inode;
  std::uint64_t subvolume;
  std::uint32_t generation;  // 0: any
} __attribute__((packed));
constexpr int kHandleType = 0x4d;

}  // namespace

Result<std::vector<BtrfsDevice>> btrfs_devices(int fd) {
  struct btrfs_ioctl_fs_info_args fs = {};
  if (ioctl(fd, BTRFS_IOC_FS_INFO, &fs) < 0) {
    return fail_errno("BTRFS_IOC_FS_INFO");
  }
  std::vector<BtrfsDevice> devices;
  for (std::uint64_t id = 0; id <= fs.max_id && devices.size() < fs.num_devices; ++id) {
    struct btrfs_ioctl_dev_info_args device = {};
    device.devid = id;
    if (ioctl(fd, BTRFS_IOC_DEV_INFO, &device) == 0) {
      const char* const path = reinterpret_cast<const char*>(device.path);
      devices.push_back({id, std::string(path, strnlen(path, sizeof device.path))});
    } else if (errno != ENODEV) {
      return fail_errno("BTRFS_IOC_DEV_INFO");
    }
  }
  return devices;
}

Result<std::vector<BtrfsDeviceExtent>> btrfs_device_extents(int fd, std::uint64_t device_id) {
  std::vector<BtrfsDeviceExtent> extents;
  const auto searched = search_tree_items(fd, {BTRFS_DEV_TREE_OBJECTID, device_id, BTRFS_DEV_EXTENT_KEY}, 0, kEnd,
                                          [&](std::uint64_t offset, const char* bytes, std::size_t size) {
                                            struct btrfs_dev_extent item = {};
                                            const bool read = read_item(bytes, size, item);
                                            const auto range = make_byte_range(offset, le64toh(item.length));
                                            if (read && range) {
                                              extents.push_back({*range, le64toh(item.chunk_offset)});
                                            }
                                            return read && range.has_value();
                                          });
  return searched ? Result<std::vector<BtrfsDeviceExtent>>(std::move(extents)) : tl::make_unexpected(searched.error());
}

Result<BtrfsChunk> btrfs_chunk(int fd, std::uint64_t logical) {
  constexpr std::uint64_t kStriped =
      BTRFS_BLOCK_GROUP_RAID0 | BTRFS_BLOCK_GROUP_RAID10 | BTRFS_BLOCK_GROUP_RAID5 | BTRFS_BLOCK_GROUP_RAID6;
  std::uint64_t type = 0;
  const auto searched =
      search_tree_items(fd, {BTRFS_CHUNK_TREE_OBJECTID, BTRFS_FIRST_CHUNK_TREE_OBJECTID, BTRFS_CHUNK_ITEM_KEY}, logical,
                        logical, [&](std::uint64_t, const char* bytes, std::size_t size) {
                          struct btrfs_chunk item = {};
                          const bool read = read_item(bytes, size, item);
                          type = le64toh(item.type);
                          return read;
                        });
  if (!searched) {
    return tl::make_unexpected(searched.error());
  }
  if (type == 0) {
    return fail(Errc::kNotFound, "chunk at " + std::to_string(logical));
  }
  const bool data = (type & BTRFS_BLOCK_GROUP_DATA) != 0;
  const bool metadata = (type & (BTRFS_BLOCK_GROUP_METADATA | BTRFS_BLOCK_GROUP_SYSTEM)) != 0;
  return BtrfsChunk{data && metadata ? BtrfsChunkUse::kMixed
                    : data           ? BtrfsChunkUse::kData
                                     : BtrfsChunkUse::kMetadata,
                    (type & kStriped) != 0};
}

Result<std::vector<BtrfsReference>> btrfs_references(int fd, std::uint64_t logical) {
  for (std::size_t bytes = kFirstAnswerBytes;; bytes = kMostAnswerBytes) {
    Container answer(bytes);
    struct btrfs_ioctl_logical_ino_args args = {};
    args.logical = logical;
    args.size = answer.bytes();
    args.inodes = answer.address();
    if (ioctl(fd, BTRFS_IOC_LOGICAL_INO_V2, &args) < 0) {
      return errno == ENOENT ? Result<std::vector<BtrfsReference>>({}) : fail_errno("BTRFS_IOC_LOGICAL_INO_V2");
    }
    const auto head = answer.head();
    if (head.elem_missed != 0 && bytes < kMostAnswerBytes) {
      continue;
    }
    if (head.elem_missed != 0 || head.elem_cnt > answer.value_count()) {
      return fail(Errc::kInvalid,
                  "the block at " + std::to_string(logical) + " has too many references for one answer");
    }
    std::vector<BtrfsReference> references;
    for (std::size_t i = 0; i + 2 < head.elem_cnt; i += 3) {
      references.push_back({answer.value(i), answer.value(i + 1), answer.value(i + 2)});
    }
    return references;
  }
}

Result<UniqueFd> open_btrfs_subvolume(int mount_fd, std::uint64_t subvolume) {
  const BtrfsFileId id{BTRFS_FIRST_FREE_OBJECTID, subvolume, 0};
  alignas(struct file_handle) std::array<std::byte, sizeof(struct file_handle) + sizeof id> buffer{};
  auto* const handle = new (buffer.data()) file_handle();
  handle->handle_bytes = sizeof id;
  handle->handle_type = kHandleType;
  std::memcpy(handle->f_handle, &id, sizeof id);
  UniqueFd fd(open_by_handle_at(mount_fd, handle, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
  return fd ? Result<UniqueFd>(std::move(fd)) : fail_errno("open subvolume " + std::to_string(subvolume));
}

Result<std::vector<std::string>> btrfs_paths(int subvolume_fd, std::uint64_t inode) {
  // The kernel gives no more than 4096 bytes, and tells what is missing.
  Container answer(4096);
  struct btrfs_ioctl_ino_path_args args = {};
  args.inum = inode;
  args.size = answer.bytes();
  args.fspath = answer.address();
  if (ioctl(subvolume_fd, BTRFS_IOC_INO_PATHS, &args) < 0) {
    return fail_errno("BTRFS_IOC_INO_PATHS");
  }
  std::vector<std::string> paths;
  const auto head = answer.head();
  for (std::size_t i = 0; i < head.elem_cnt && i < answer.value_count(); ++i) {
    auto path = answer.text(answer.value(i));
    if (!path) {
      return tl::make_unexpected(path.error());
    }
    paths.push_back(std::move(*path));
  }
  return paths;
}

}  // namespace pmend::kernel
