// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "demo/story.hpp"
#include "pmend/base/range_set.hpp"
#include "support/chain.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pmend::world {

// One file system of the demonstration, and what must have become of it at the end.
struct Scenery {
  explicit Scenery(const WorldOptions& options);

  World world;
  std::string name;   // "xfs"
  RangeSet poisoned;  // all that was ever poisoned, on the device
  RangeSet lost;      // what nobody has any more
  RangeSet left;      // what stays poisoned: not to be touched

  std::string node() { return world.loop().node(); }
  // Poisons bytes of a file whose blocks are in the page cache.
  ByteRange poison_cached(const std::string& file, const ByteRange& range);
  // Poisons bytes of files that are not in the page cache, all at the same moment.
  void poison_cold(const std::vector<std::pair<FileModel*, ByteRange>>& pieces);
  ByteRange poison_cold(const std::string& file, const ByteRange& range);
  // Poisons a range of the device that belongs to no file.
  void poison_device(const ByteRange& range);
};

// XFS and ext4, each on a medium of its own, and one pmend for both.
class Stage {
 public:
  explicit Stage(Story& story);

  Story& story() { return story_; }
  Chain& chain() { return *chain_; }
  std::vector<std::unique_ptr<Scenery>>& sceneries() { return sceneries_; }

 private:
  Story& story_;
  std::vector<std::unique_ptr<Scenery>> sceneries_;
  std::unique_ptr<Chain> chain_;
};

// A sector in the middle of the largest free space.
ByteRange free_sector(World& world);
// A sector of the file system's own that a mounted one doesn't look at: a spare superblock, or unused inodes.
ByteRange metadata_sector(World& world);

}  // namespace pmend::world
