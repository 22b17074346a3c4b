// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/btrfs_places.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/btrfs.hpp"
#include "pmend/kernel/fiemap.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace pmend::rmap {
namespace {

// Nothing for a node that is none.
std::optional<dev_t> device_number(const std::string& node) {
  struct stat status = {};
  return !node.empty() && stat(node.c_str(), &status) == 0 && S_ISBLK(status.st_mode) ? std::optional(status.st_rdev)
                                                                                      : std::nullopt;
}

// One copy of some logical addresses.
struct Copy {
  std::uint64_t device_id = 0;
  ByteRange device_range;
};

struct Copies {
  std::uint64_t length = 0;  // of the logical addresses from the one that was asked for
  std::vector<Copy> copies;
};

// Where logical addresses lie, by the trees of the file system.
class AddressMap {
 public:
  explicit AddressMap(int top) : top_(top) {}

  Status read() {
    const auto devices = kernel::btrfs_devices(top_);
    if (!devices) {
      return tl::make_unexpected(devices.error());
    }
    for (const kernel::BtrfsDevice& device : *devices) {
      nodes_[device.id] = device.path;
      const auto extents = kernel::btrfs_device_extents(top_, device.id);
      if (!extents) {
        return tl::make_unexpected(extents.error());
      }
      for (const kernel::BtrfsDeviceExtent& extent : *extents) {
        chunks_[extent.chunk].push_back({device.id, extent.device_range});
      }
    }
    return {};
  }

  // Of the first of these addresses, and those behind it that lie together.
  Result<Copies> find(std::uint64_t logical, std::uint64_t length) const {
    const auto behind = chunks_.upper_bound(logical);
    if (behind == chunks_.begin()) {
      return fail(Errc::kNotFound, "chunk of address " + std::to_string(logical));
    }
    const auto& [first, pieces] = *std::prev(behind);
    const auto chunk = kernel::btrfs_chunk(top_, first);
    if (!chunk) {
      return tl::make_unexpected(chunk.error());
    }
    if (chunk->striped) {
      return fail(Errc::kUnsupported, "a chunk that is striped over several devices");
    }
    const std::uint64_t within = logical - first;
    Copies copies;
    for (const Copy& piece : pieces) {
      if (within < piece.device_range.length) {
        copies.length = std::min(length, piece.device_range.length - within);
        copies.copies.push_back({piece.device_id, {piece.device_range.offset + within, copies.length}});
      }
    }
    return copies.copies.empty() ? fail(Errc::kNotFound, "place of address " + std::to_string(logical))
                                 : Result<Copies>(std::move(copies));
  }

  std::string text_of(const Copy& copy) const {
    const auto node = nodes_.find(copy.device_id);
    const bool missing = node == nodes_.end() || node->second.empty();
    return std::to_string(copy.device_range.offset) + " of " +
           (missing ? "missing device " + std::to_string(copy.device_id) : escape_bytes(node->second));
  }

 private:
  int top_;
  std::map<std::uint64_t, std::string> nodes_;
  std::map<std::uint64_t, std::vector<Copy>> chunks_;  // by the first logical address
};

struct LocatedFile {
  std::uint64_t inode = 0;
  std::vector<kernel::FileExtent> extents;  // at logical addresses
};

Result<LocatedFile> map_file(const MountedFileSystem& fs, const std::string& path) {
  const auto file = open_file(path, O_PATH | O_NOFOLLOW);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  struct stat status = {};
  if (fstat(file->get(), &status) < 0) {
    return fail_errno("fstat " + escape_bytes(path));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::kInvalid, escape_bytes(path) + " is not a regular file");
  }
  // Subvolumes have device numbers of their own; the ioctls tell one file system from another.
  const auto nodes = btrfs_nodes_of(path);
  if (std::ranges::none_of(nodes,
                           [&](const std::string& node) { return device_number(node) == device_number(fs.node); })) {
    return fail(Errc::kStale, escape_bytes(path) + " is on another file system");
  }
  const auto open = open_file("/proc/self/fd/" + std::to_string(file->get()), O_RDONLY | O_NONBLOCK | O_NOATIME);
  if (!open) {
    return wrap(open.error(), escape_bytes(path));
  }
  auto extents = kernel::fiemap(open->get());
  if (!extents) {
    return wrap(extents.error(), escape_bytes(path));
  }
  return LocatedFile{status.st_ino, std::move(*extents)};
}

// The places of one file on one device.
class FileOnDevice {
 public:
  FileOnDevice(const MountedFileSystem& fs, std::string path, std::uint64_t device_id, const AddressMap& addresses)
      : fs_(fs), path_(std::move(path)), device_id_(device_id), addresses_(addresses) {}

  Status add(std::uint64_t inode, const kernel::FileExtent& extent) {
    for (std::uint64_t done = 0; done < extent.length;) {
      const auto found = addresses_.find(extent.device_offset + done, extent.length - done);
      if (!found) {
        return wrap(found.error(), escape_bytes(path_));
      }
      if (!add_copies(inode, extent, done, found->copies)) {
        return fail(Errc::kUnsupported, escape_bytes(path_) + ": what is at " +
                                            std::to_string(extent.file_offset + done) + " lies at " +
                                            addresses_.text_of(found->copies.front()) + " alone");
      }
      done += found->length;
    }
    return {};
  }

  std::vector<Owner> take() { return std::move(owners_); }

 private:
  // False if none of them is on the device.
  bool add_copies(std::uint64_t inode, const kernel::FileExtent& extent, std::uint64_t done,
                  const std::vector<Copy>& copies) {
    bool any = false;
    for (const Copy& copy : copies) {
      if (copy.device_id != device_id_) {
        continue;
      }
      any = true;
      Owner owner;
      owner.kind = OwnerKind::kFile;
      owner.filesystem = fs_.ref;
      owner.file = FileId{inode, 0};
      owner.paths.push_back({path_});
      owner.file_offset = extent.file_offset + done;
      owner.device_range = copy.device_range;
      owner.shared = extent.is_shared();
      owner.unwritten = extent.is_unwritten();
      owner.detail = others_than(copy, copies);
      owners_.push_back(std::move(owner));
    }
    return any;
  }

  std::string others_than(const Copy& copy, const std::vector<Copy>& copies) const {
    std::string text;
    for (const Copy& other : copies) {
      if (other.device_id != copy.device_id || other.device_range != copy.device_range) {
        text += (text.empty() ? "another copy is at " : " and at ") + addresses_.text_of(other);
      }
    }
    return text;
  }

  const MountedFileSystem& fs_;
  std::string path_;
  std::uint64_t device_id_;
  const AddressMap& addresses_;
  std::vector<Owner> owners_;
};

}  // namespace

Result<UniqueFd> open_btrfs(const MountedFileSystem& fs) {
  return open_file(fs.ref.mount_point, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
}

Result<std::uint64_t> btrfs_device_id(const MountedFileSystem& fs, int top) {
  const auto devices = kernel::btrfs_devices(top);
  const auto number = device_number(fs.node);
  for (const kernel::BtrfsDevice& device : devices ? *devices : std::vector<kernel::BtrfsDevice>()) {
    if (number && device_number(device.path) == number) {
      return device.id;
    }
  }
  if (!devices && !devices.error().is_errno(ENOTTY)) {
    return tl::make_unexpected(devices.error());
  }
  return fail(Errc::kStale, "another file system is mounted on " + escape_bytes(fs.ref.mount_point));
}

std::vector<std::string> btrfs_nodes_of(const std::string& path) {
  // Of its directory: opening a file can do things. A subvolume below it is of the same file system.
  const auto directory = open_file(std::filesystem::path(path).parent_path(), O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  const auto devices = directory ? kernel::btrfs_devices(directory->get()) : tl::make_unexpected(directory.error());
  std::vector<std::string> nodes;
  for (const kernel::BtrfsDevice& device : devices ? *devices : std::vector<kernel::BtrfsDevice>()) {
    if (device_number(device.path)) {
      nodes.push_back(device.path);
    }
  }
  return nodes;
}

Result<std::vector<Owner>> locate_btrfs_file(const MountedFileSystem& fs, const std::string& path) {
  const auto top = open_btrfs(fs);
  const auto device_id = top ? btrfs_device_id(fs, top->get()) : tl::make_unexpected(top.error());
  if (!device_id) {
    return tl::make_unexpected(device_id.error());
  }
  const auto file = map_file(fs, path);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  AddressMap addresses(top->get());
  if (const auto read = addresses.read(); !read) {
    return tl::make_unexpected(read.error());
  }
  FileOnDevice places(fs, path, *device_id, addresses);
  for (const kernel::FileExtent& extent : file->extents) {
    if (extent.is_encoded()) {
      return fail(Errc::kUnsupported, escape_bytes(path) + " is compressed: FIEMAP does not say how much lies where");
    }
    if (const auto added = extent.has_device_range() ? places.add(file->inode, extent) : Status(); !added) {
      return tl::make_unexpected(added.error());
    }
  }
  return places.take();
}

}  // namespace pmend::rmap
