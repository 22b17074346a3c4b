// SPDX-License-Identifier: Apache-2.0
#include "support/file_system.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/block_device.hpp"
#include "support/mounts.hpp"
#include "support/must.hpp"
#include "support/process.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <ostream>
#include <utility>

namespace pmend::world {

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
