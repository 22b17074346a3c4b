// SPDX-License-Identifier: Apache-2.0
#include "support/world.hpp"

#include "medium/trace_reader.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace pmend::world {
namespace {

bool in_path(const std::string& program) {
  for (const char* directory : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
    if (access((directory + program).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> World::unavailable() {
  if (geteuid() != 0) {
    return "not root: loop devices and mounts need it";
  }
  for (const char* device : {"/dev/fuse", "/dev/loop-control"}) {
    if (access(device, R_OK | W_OK) != 0) {
      return std::string("no ") + device;
    }
  }
  for (const char* program : {"mkfs.xfs", "mkfs.ext4"}) {
    if (!in_path(program)) {
      return std::string("no ") + program + " (packages xfsprogs, e2fsprogs)";
    }
  }
  return std::nullopt;
}

World::World(const WorldOptions& options) : options_(options) {
  medium_ = std::make_unique<Medium>(directory_.path(), options.fs.medium_bytes());
  loop_ = std::make_unique<LoopDevice>(medium_->disk(), options.loop);
  fs_ = std::make_unique<FileSystem>(loop_->file_system_node(), directory_ / "fs", options.fs);
  tree_ = std::make_unique<Tree>(fs_->mount_point());
  if (options.standard_files) {
    const bool reflink = options.fs.type == FsType::kXfs && options.fs.reflink;
    tree_->add_standard_files(options.plain_files, reflink);
    settle();
  }
}

World::~World() {
  try {
    tear_down();
  } catch (const Failure&) {
    // The members' destructors use force, and the private mount namespace takes the rest.
  }
}

void World::settle() {
  // A fresh mount first: it trims what XFS preallocated behind the ends of files.
  fs_->drop_caches();
  tree_->settle();
  mark_trace();
}

ByteRange World::device_range(const FileModel& file, const ByteRange& file_range) const {
  for (const kernel::FileExtent& extent : file.extents) {
    if (extent.has_device_range() && extent.file_range().contains(file_range)) {
      return {loop_->partition_offset() + extent.device_offset + (file_range.offset - extent.file_offset),
              file_range.length};
    }
  }
  throw Failure(file.name() + " has no single extent for " + to_string(file_range));
}

void World::mark(const RangeSet& device_ranges, RangeSet FileModel::*set) {
  for (FileModel* file : tree_->files()) {
    for (const kernel::FileExtent& extent : file->extents) {
      if (!extent.has_device_range() || extent.is_unwritten()) {
        continue;
      }
      const ByteRange place{loop_->partition_offset() + extent.device_offset, extent.length};
      for (const ByteRange& range : device_ranges.common(place)) {
        (file->*set).insert({extent.file_offset + (range.offset - place.offset), range.length});
      }
    }
  }
}

void World::poison(const FileModel& file, const ByteRange& file_range) {
  medium_->poison(device_range(file, file_range));
  fs_->drop_caches();
}

void World::poison_cached(const FileModel& file, const ByteRange& file_range) {
  read_whole(file);
  medium_->poison(device_range(file, file_range));
}

void World::read_whole(const FileModel& file) const {
  const UniqueFd fd = must(open_file(tree_->path(file), O_RDONLY));
  std::vector<std::byte> buffer(file.size);
  must(read_exactly(fd.get(), buffer, 0));
}

void World::mark_trace() {
  fs_->sync();
  trace_mark_ = must(medium::read_trace(medium_->trace_path())).size();
}

std::vector<Difference> World::stray_writes(const std::vector<ByteRange>& units) const {
  fs_->sync();
  RangeSet allowed;
  const std::uint64_t offset = loop_->partition_offset();
  for (const ByteRange& range : metadata_ranges(*tree_, medium_->size_bytes() - 2 * offset).ranges()) {
    allowed.insert({offset + range.offset, range.length});
  }
  for (const ByteRange& unit : units) {
    allowed.insert(unit);
  }
  return world::stray_writes(must(medium::read_trace(medium_->trace_path(), trace_mark_)), allowed);
}

void World::reattach() {
  fs_->unmount();
  loop_.reset();
  loop_ = std::make_unique<LoopDevice>(medium_->disk(), options_.loop);
  fs_->remount_on(loop_->file_system_node());
}

void World::power_loss() {
  medium_->kill();
  fs_->unmount();
  loop_.reset();
  medium_->restart();
  loop_ = std::make_unique<LoopDevice>(medium_->disk(), options_.loop);
  fs_->remount_on(loop_->file_system_node());
}

void World::tear_down() {
  if (fs_) {
    fs_->unmount();
  }
  if (loop_) {
    loop_->detach();
  }
  if (medium_) {
    medium_->stop();
  }
}

}  // namespace pmend::world
