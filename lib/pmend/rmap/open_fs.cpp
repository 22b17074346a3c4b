// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/open_fs.hpp"

#include "pmend/base/text.hpp"
#include "pmend/rmap/leases.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace pmend::rmap {
namespace {

Status check_one_device(const kernel::XfsGeometry& geometry) {
  if (geometry.realtime_blocks != 0) {
    return fail(Errc::kUnsupported,
                "XFS with a realtime device: the mapping of a file does not say which device it means");
  }
  if (geometry.external_log) {
    return fail(Errc::kUnsupported, "XFS with an external journal");
  }
  return {};
}

UniqueFd open_device(const MountedFileSystem& mounted) {
  auto device = open_file(mounted.node, O_RDONLY | O_NONBLOCK);
  struct stat status = {};
  if (!device || fstat(device->get(), &status) < 0 || !S_ISBLK(status.st_mode) || status.st_rdev != mounted.device) {
    return {};
  }
  return std::move(*device);
}

}  // namespace

bool is_supported(const std::string& type) {
  return type == "xfs" || type == "ext4" || type == "ext3" || type == "ext2";
}

Result<OpenFs> open_tree(const MountedFileSystem& mounted, const ResolveOptions& options) {
  OpenFs fs;
  fs.mounted = mounted;
  fs.stop = options.stop;
  auto root = open_file(mounted.ref.mount_point, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!root) {
    return tl::make_unexpected(root.error());
  }
  fs.root = std::move(*root);
  if (auto descriptors = kernel::open_descriptors()) {
    fs.descriptors = std::move(*descriptors);
    fs.root_path = kernel::path_of(fs.descriptors.get(), fs.root.get()).value_or("");
  }
  struct stat status = {};
  if (fstat(fs.root.get(), &status) < 0) {
    return fail_errno("fstat " + escape_bytes(mounted.ref.mount_point));
  }
  if (status.st_dev != mounted.device) {
    return fail(Errc::kStale, "another file system is mounted on " + escape_bytes(mounted.ref.mount_point));
  }
  fs.leased = lasting_leases(options.proc, mounted.device);
  return fs;
}

Result<OpenFs> open_fs(const MountedFileSystem& mounted, const ResolveOptions& options) {
  if (!is_supported(mounted.ref.type)) {
    return fail(Errc::kUnsupported, escape_bytes(mounted.ref.type) + " is not served");
  }
  auto opened = open_tree(mounted, options);
  if (!opened) {
    return opened;
  }
  OpenFs fs = std::move(*opened);
  fs.style = mounted.ref.type == "xfs" ? kernel::HandleStyle::kXfs : kernel::HandleStyle::kExt4;
  if (fs.style == kernel::HandleStyle::kXfs) {
    const auto geometry = kernel::xfs_geometry(fs.root.get());
    if (!geometry) {
      return tl::make_unexpected(geometry.error());
    }
    if (const auto one = check_one_device(*geometry); !one) {
      return tl::make_unexpected(one.error());
    }
    fs.xfs = *geometry;
  }
  if (fs.style == kernel::HandleStyle::kExt4) {
    fs.device = open_device(mounted);
    if (auto layout = ext4::read_superblock(fs.device.get())) {
      fs.ext4 = std::move(*layout);
    }
  }
  return fs;
}

}  // namespace pmend::rmap
