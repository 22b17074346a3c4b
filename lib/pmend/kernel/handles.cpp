// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/handles.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <string>

namespace pmend::kernel {
namespace {

// FILEID_INO32_GEN; XFS adds XFS_FILEID_TYPE_64FLAG where inode numbers may need 64 bits.
constexpr int kInode32 = 1;
constexpr int kInode64 = 0x81;
// FILEID_INO32_GEN_PARENT, and FILEID_IS_CONNECTABLE of Linux 6.13.
constexpr int kInode32AndParent = 2;
constexpr int kInode64AndParent = 0x82;
constexpr int kConnectable = 0x10000;
constexpr std::size_t kInode32Bytes = 8;
constexpr int kReadQuietly = O_RDONLY | O_NONBLOCK | O_NOATIME;
constexpr std::size_t kInode32AndParentBytes = 16;
constexpr std::size_t kInode64Bytes = 12;
constexpr std::size_t kInode64AndParentBytes = 24;

// struct file_handle with room for the largest handle.
class Handle {
 public:
  Handle() {
    header_ = new (memory_.data()) file_handle();
    header_->handle_bytes = MAX_HANDLE_SZ;
  }
  Handle(HandleStyle style, const InodeId& id) : Handle() {
    if (style == HandleStyle::kXfs) {
      header_->handle_type = kInode64;
      header_->handle_bytes = kInode64Bytes;
      put(id.inode, 0);
      put(id.generation, 8);
    } else {
      header_->handle_type = kInode32;
      header_->handle_bytes = kInode32Bytes;
      put(static_cast<std::uint32_t>(id.inode), 0);
      put(id.generation, 4);
    }
  }

  // A connectable one.
  Handle(HandleStyle style, const InodeId& id, const InodeId& parent) : Handle() {
    if (style == HandleStyle::kXfs) {
      header_->handle_type = kInode64AndParent | kConnectable;
      header_->handle_bytes = kInode64AndParentBytes;
      put(id.inode, 0);
      put(id.generation, 8);
      put(parent.inode, 12);
      put(parent.generation, 20);
    } else {
      header_->handle_type = kInode32AndParent | kConnectable;
      header_->handle_bytes = kInode32AndParentBytes;
      put(static_cast<std::uint32_t>(id.inode), 0);
      put(id.generation, 4);
      put(static_cast<std::uint32_t>(parent.inode), 8);
      put(parent.generation, 12);
    }
  }

  struct file_handle* get() {
    return header_;
  }

  Result<InodeId> decode() const {
    if (header_->handle_type == kInode64 && header_->handle_bytes == kInode64Bytes) {
      return InodeId{take<std::uint64_t>(0), take<std::uint32_t>(8)};
    }
    if (header_->handle_type == kInode32 && header_->handle_bytes == kInode32Bytes) {
      return InodeId{take<std::uint32_t>(0), take<std::uint32_t>(4)};
    }
    return fail(Errc::kUnsupported, "file handle of type " + std::to_string(header_->handle_type));
  }

 private:
  // f_handle is a flexible array of char: integers go in and out by copy.
  template <class Integer>
  void put(Integer value, std::size_t at) {
    std::memcpy(memory_.data() + sizeof(struct file_handle) + at, &value, sizeof value);
  }
  template <class Integer>
  Integer take(std::size_t at) const {
    Integer value = 0;
    std::memcpy(&value, memory_.data() + sizeof(struct file_handle) + at, sizeof value);
    return value;
  }

  alignas(struct file_handle) std::array<std::byte, sizeof(struct file_handle) + MAX_HANDLE_SZ> memory_{};
  struct file_handle* header_;
};

std::string name_of(const InodeId& id) {
  return "inode " + std::to_string(id.inode) + " generation " + std::to_string(id.generation);
}

Result<UniqueFd> open_handle(int mount_fd, HandleStyle style, const InodeId& id, int flags) {
  if (style == HandleStyle::kExt4 && id.inode > std::numeric_limits<std::uint32_t>::max()) {
    return fail_errno("open " + name_of(id), ESTALE);
  }
  Handle handle(style, id);
  UniqueFd fd(open_by_handle_at(mount_fd, handle.get(), flags | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    return fail_errno("open " + name_of(id));
  }
  return fd;
}

std::string link_of(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

}  // namespace

Result<InodeId> identify(int fd) {
  Handle handle;
  int mount_id = 0;
  if (name_to_handle_at(fd, "", handle.get(), &mount_id, AT_EMPTY_PATH) < 0) {
    return fail_errno("name_to_handle_at");
  }
  return handle.decode();
}

Result<UniqueFd> open_path_by_id(int mount_fd, HandleStyle style, const InodeId& id) {
  return open_handle(mount_fd, style, id, O_PATH);
}

Result<UniqueFd> open_regular_by_id(int mount_fd, HandleStyle style, const InodeId& id) {
  return open_handle(mount_fd, style, id, kReadQuietly);
}

Result<UniqueFd> open_by_id(int mount_fd, HandleStyle style, const InodeId& id) {
  auto path = open_path_by_id(mount_fd, style, id);
  if (!path) {
    return path;
  }
  struct stat status = {};
  if (fstat(path->get(), &status) < 0) {
    return fail_errno("fstat " + name_of(id));
  }
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return fail(Errc::kUnsupported, name_of(id) + " is neither a file nor a directory");
  }
  auto file = open_behind_path(path->get());
  if (!file) {
    return wrap(file.error(), "open " + name_of(id));
  }
  return file;
}

Result<UniqueFd> open_behind_path(int path_fd) {
  return open_file(link_of(path_fd), kReadQuietly);
}

Result<UniqueFd> open_descriptors() {
  return open_file("/proc/self/fd", O_PATH | O_DIRECTORY);
}

Result<std::string> path_of(int descriptors, int fd) {
  std::array<char, PATH_MAX> path;
  const ssize_t length = readlinkat(descriptors, std::to_string(fd).c_str(), path.data(), path.size());
  if (length < 0) {
    return fail_errno("readlink " + link_of(fd));
  }
  return std::string(path.data(), static_cast<std::size_t>(length));
}

Result<UniqueFd> open_path_by_id_and_parent(int mount_fd, HandleStyle style, const InodeId& id, const InodeId& parent) {
  Handle handle(style, id, parent);
  UniqueFd path(open_by_handle_at(mount_fd, handle.get(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!path) {
    return fail_errno("open " + name_of(id) + " by its parent");
  }
  return path;
}

}  // namespace pmend::kernel
