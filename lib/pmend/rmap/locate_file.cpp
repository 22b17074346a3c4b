// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/locate_file.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/fiemap.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/rmap/open_fs.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace pmend::rmap {
namespace {

// By O_PATH first: only a regular file of this file system is really opened.
Result<kernel::InodeId> find_file(const OpenFs& fs, const std::string& path) {
  const auto fd = open_file(path, O_PATH | O_NOFOLLOW);
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
  return kernel::identify(fd->get());
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
  const auto fs = open_fs(mounted, options);
  if (!fs) {
    return tl::make_unexpected(fs.error());
  }
  const auto id = find_file(*fs, path);
  if (!id) {
    return tl::make_unexpected(id.error());
  }
  const auto file = kernel::open_by_id(fs->root.get(), fs->style, *id);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  const auto extents = kernel::fiemap(file->get());
  if (!extents) {
    return wrap(extents.error(), escape_bytes(path));
  }
  std::vector<Owner> owners;
  for (const kernel::FileExtent& extent : *extents) {
    if (extent.has_device_range()) {
      owners.push_back(to_owner(*fs, path, *id, extent));
    }
  }
  return owners;
}

}  // namespace pmend::rmap
