// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/locate_file.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/block_device.hpp"
#include "pmend/kernel/fiemap.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/rmap/btrfs_places.hpp"
#include "pmend/rmap/fiemap_owners.hpp"
#include "pmend/rmap/open_fs.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace pmend::rmap {
namespace {

struct FoundPath {
  UniqueFd path;
  std::uint64_t inode = 0;
};

// By O_PATH first: only a regular file of this file system is really opened.
Result<FoundPath> find_file(const OpenFs& fs, const std::string& path) {
  auto fd = open_file(path, O_PATH | O_NOFOLLOW);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  struct stat status = {};
  if (fstat(fd->get(), &status) < 0) {
    return fail_errno("fstat " + escape_bytes(path));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::kInvalid, escape_bytes(path) + " is not a regular file");
  }
  if (status.st_dev != fs.mounted.device) {
    return fail(Errc::kStale, escape_bytes(path) + " is on another file system");
  }
  if (fs.leased.contains(status.st_ino)) {
    return fail(Errc::kRefused, escape_bytes(path) + " is under a lease");
  }
  return FoundPath{std::move(*fd), status.st_ino};
}

// Where a handle cannot be opened.
Result<UniqueFd> open_found(const FoundPath& found, const std::string& path) {
  auto file = open_file("/proc/self/fd/" + std::to_string(found.path.get()), O_RDONLY | O_NONBLOCK | O_NOATIME);
  return file ? std::move(file) : wrap(file.error(), escape_bytes(path));
}

// f2fs numbers the blocks of all its devices through, and only those of the first are also that device's.
Status check_on_device(const MountedFileSystem& mounted, const std::vector<kernel::FileExtent>& extents) {
  const auto device = open_file(mounted.node, O_RDONLY | O_NONBLOCK);
  const auto geometry = device ? kernel::block_device_geometry(device->get()) : tl::make_unexpected(device.error());
  if (!geometry) {
    return tl::make_unexpected(geometry.error());
  }
  const bool beyond = std::ranges::any_of(extents, [&geometry](const kernel::FileExtent& extent) {
    return extent.device_range().end() > geometry->size_bytes;
  });
  return beyond ? fail(Errc::kUnsupported, "some of it lies on another device of its file system") : Status();
}

Owner to_owner(const OpenFs& fs, const std::string& path, const kernel::InodeId& id, const kernel::FileExtent& extent) {
  Owner owner;
  owner.kind = OwnerKind::kFile;
  owner.filesystem = fs.mounted.ref;
  owner.file = FileId{id.inode, id.generation};
  owner.paths.push_back({path});
  owner.file_offset = extent.file_offset;
  owner.device_range = extent.device_range();
  owner.shared = extent.is_shared();
  owner.unwritten = extent.is_unwritten();
  return owner;
}

}  // namespace

Result<std::vector<Owner>> locate_file(const MountedFileSystem& mounted, const std::string& path,
                                       const ResolveOptions& options) {
  if (mounted.ref.type == "btrfs") {
    return locate_btrfs_file(mounted, path);
  }
  const bool known = is_supported(mounted.ref.type);
  const auto fs = known ? open_fs(mounted, options) : open_tree(mounted, options);
  if (!fs) {
    return tl::make_unexpected(fs.error());
  }
  const auto found = find_file(*fs, path);
  if (!found) {
    return tl::make_unexpected(found.error());
  }
  const auto id = known ? kernel::identify(found->path.get()) : kernel::InodeId{found->inode, 0};
  if (!id) {
    return tl::make_unexpected(id.error());
  }
  const auto file = known ? kernel::open_by_id(fs->root.get(), fs->style, *id) : open_found(*found, path);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  const auto extents = placed_extents(mounted.ref.type, file->get());
  if (!extents) {
    return wrap(extents.error(), escape_bytes(path));
  }
  if (const auto here = check_on_device(mounted, *extents); !here) {
    return wrap(here.error(), escape_bytes(path));
  }
  std::vector<Owner> owners;
  for (const kernel::FileExtent& extent : *extents) {
    owners.push_back(to_owner(*fs, path, *id, extent));
  }
  return owners;
}

}  // namespace pmend::rmap
