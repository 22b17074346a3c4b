// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "support/file_system.hpp"
#include "support/loop_device.hpp"
#include "support/medium.hpp"
#include "support/oracle.hpp"
#include "support/temp_dir.hpp"
#include "support/tree.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pmend::world {

struct WorldOptions {
  FsOptions fs = {};
  LoopOptions loop = {};
  std::uint64_t plain_files = 20;
  bool standard_files = true;  // false: only what the test adds before settle()
};

// A real file system with known files on a medium that can fail: pmend-medium, a loop device over it, XFS or ext4, a
// tree, and the oracle. Built in about a second; torn down in the only order that works (file system, loop device,
// medium), also after the medium was killed.
class World {
 public:
  // Throws Failure. With standard files the world is settled.
  explicit World(const WorldOptions& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  // Why no world can be built here (not root, no loop device …); nothing if it can.
  static std::optional<std::string> unavailable();

  Tree& tree() { return *tree_; }
  Medium& medium() { return *medium_; }
  LoopDevice& loop() { return *loop_; }
  FileSystem& fs() { return *fs_; }
  std::string directory() const { return directory_.path(); }

  // Everything on the medium, caches empty, the facts of all files recorded, trace mark set.
  void settle();

  // Where a file's bytes lie on the device; throws Failure if they are in no single written extent.
  ByteRange device_range(const FileModel& file, const ByteRange& file_range) const;
  // Puts those pieces of files that lie in `device_ranges` into this set of their models: what is lost, what is bad.
  // Unwritten extents read as zeros whatever lies there.
  void mark(const RangeSet& device_ranges, RangeSet FileModel::*set);
  // Poisons a piece of a file and drops the page cache of all files. The model is not touched: whoever poisons says
  // what must become of it.
  void poison(const FileModel& file, const ByteRange& file_range);
  // Brings every page of a file into the page cache.
  void read_whole(const FileModel& file) const;
  // Poisons under a page cache that stays: every page of the file is read first.
  void poison_cached(const FileModel& file, const ByteRange& file_range);

  // From here on, stray_writes() looks at what the medium saw.
  void mark_trace();
  // Writes since mark_trace() outside of the file system's metadata and of `units` (device ranges).
  std::vector<Difference> stray_writes(const std::vector<ByteRange>& units) const;

  // All differences between the tree and its model.
  std::vector<Difference> compare() const { return world::compare(*tree_); }

  // Mounts the same file system through a new loop device, whose queue limits are fresh.
  void reattach();
  // Power loss of the medium: SIGKILL, tear-down of what was above it, start from its persistent state, mount again.
  void power_loss();

  // Everything down in order. Throws Failure if something cannot be taken down; the destructor then uses force.
  void tear_down();

 private:
  WorldOptions options_;
  TempDir directory_;
  // Destroyed in reverse: file system, loop device, medium, directory.
  std::unique_ptr<Medium> medium_;
  std::unique_ptr<LoopDevice> loop_;
  std::unique_ptr<FileSystem> fs_;
  std::unique_ptr<Tree> tree_;
  std::size_t trace_mark_ = 0;
};

}  // namespace pmend::world
