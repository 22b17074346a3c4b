// SPDX-License-Identifier: Apache-2.0
#include "support/file_system.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/block_device.hpp"
#include "support/mounts.hpp"
#include "support/must.hpp"
#include "support/process.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <ostream>
#include <utility>

namespace pmend::world {

namespace {

// Debian 12's mkfs.xfs (xfsprogs 6.1) does not know the feature and xfs_db calls it damage, but puts the right checksum
// over it. Only the first superblock counts.
void add_exchange(const std::string& node) {
  constexpr std::uint64_t kExchangeRange = 1U << 6U;  // XFS_SB_FEAT_INCOMPAT_EXCHRANGE
  const std::string text = must_run({"xfs_db", "-c", "sb 0", "-c", "print features_incompat", node});
  const std::uint64_t features = std::stoull(text.substr(text.find("0x")), nullptr, 16);
  must_run({"xfs_db", "-x", "-c", "sb 0", "-c",
            "write -d features_incompat " + std::to_string(features | kExchangeRange), node});
}

}  // namespace

std::optional<std::string> exchange_unavailable() {
  struct utsname kernel = {};
  must_call(uname(&kernel), "uname");
  int major = 0;
  int minor = 0;
  static_cast<void>(std::sscanf(kernel.release, "%d.%d", &major, &minor));
  if (std::pair(major, minor) < std::pair(6, 12)) {
    return "Linux " + std::string(kernel.release) + " has no XFS_IOC_COMMIT_RANGE";
  }
  if (access("/usr/sbin/xfs_db", X_OK) != 0) {
    return "no xfs_db (package xfsprogs)";
  }
  return std::nullopt;
}

std::uint64_t FsOptions::medium_bytes() const {
  // mkfs.xfs refuses less than 300 MiB.
  return type == FsType::kXfs ? 320ULL << 20U : 128ULL << 20U;
}

std::string to_string(const FsOptions& options) {
  if (options.type == FsType::kExt4) {
    return options.data_journal ? "ext4-data-journal" : "ext4";
  }
  std::string name = "xfs";
  name += options.rmapbt ? "" : "-rmapbt0";
  name += options.reflink ? "" : "-reflink0";
  name += options.exchange ? "-exchange" : "";
  return name;
}

std::ostream& operator<<(std::ostream& out, FsType type) {
  return out << to_string(FsOptions{.type = type});
}

std::ostream& operator<<(std::ostream& out, const FsOptions& options) {
  return out << to_string(options);
}

FileSystem::FileSystem(std::string node, std::string mount_point, FsOptions options)
    : node_(std::move(node)), mount_point_(std::move(mount_point)), options_(options) {
  std::filesystem::create_directories(mount_point_);
  make();
  mount();
}

FileSystem::~FileSystem() {
  if (mounted_) {
    detach_mount(mount_point_);
  }
}

void FileSystem::make() const {
  if (options_.type == FsType::kXfs) {
    const std::string metadata =
        std::string("rmapbt=") + (options_.rmapbt ? "1" : "0") + ",reflink=" + (options_.reflink ? "1" : "0");
    must_run({"mkfs.xfs", "-q", "-f", "-K", "-m", metadata, node_});
    if (options_.exchange) {
      add_exchange(node_);
    }
    return;
  }
  // Nothing is initialised lazily: a kernel thread that writes inode tables later would show in every trace.
  must_run({"mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", node_});
}

void FileSystem::mount() {
  const char* type = options_.type == FsType::kXfs ? "xfs" : "ext4";
  const char* data = options_.data_journal ? "data=journal" : "";
  must_call(::mount(node_.c_str(), mount_point_.c_str(), type, MS_NOATIME, data), "mount " + node_);
  mounted_ = true;
}

void FileSystem::unmount() {
  if (mounted_) {
    world::unmount(mount_point_);
    mounted_ = false;
  }
}

void FileSystem::sync() const {
  const UniqueFd root = must(open_file(mount_point_, O_RDONLY | O_DIRECTORY));
  must_call(syncfs(root.get()), "syncfs " + mount_point_);
}

void FileSystem::remount_on(const std::string& node) {
  unmount();
  node_ = node;
  mount();
}

void FileSystem::drop_caches() {
  sync();
  unmount();
  const UniqueFd device = must(open_file(node_, O_RDONLY));
  must(kernel::flush_buffers(device.get()));
  mount();
}

}  // namespace pmend::world
