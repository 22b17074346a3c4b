// SPDX-License-Identifier: Apache-2.0
#include "demo/stage.hpp"

#include "pmend/kernel/getfsmap.hpp"
#include "support/must.hpp"

#include <fcntl.h>

#include <string_view>

namespace pmend::world {
namespace {

constexpr std::uint64_t kPlainFiles = 2000;
constexpr std::uint64_t kCacheFiles = 50;
constexpr std::uint64_t kStageBlock = 4096;
constexpr ByteRange kSectorOfBlock{1024, 512};

// Three rules before the shipped one. Rules come in the order of the file names.
constexpr const char* kDemoRules = R"({
  // Contents of caches can be fetched again: up to a block of a file may be lost without asking.
  // A file that has other names too is not only a cache: all names must match.
  "rules": [
    {"name": "scratch-is-only-watched", "when": {"path": "/**/scratch/**"}, "then": {"action": "observe"}},
    {"name": "cache-may-lose", "when": {"owner": "file", "path": "/**/cache/**", "bytes_lost": {"max": 4096}},
     "then": {"action": "repair", "methods": ["redirty", "rewrite"]}},
    // No write through a file reaches what is in use or shared: here the file system may be frozen for a moment.
    {"name": "may-freeze", "when": {"owner": "file", "path": ["/**/database/**", "/**/shared/**"], "bytes_lost": {"max": 512}},
     "then": {"action": "repair", "methods": ["redirty", "frozen-write"]}}
  ],
  // Bursts are wanted here: by default no more than 64 repairs an hour go without a person.
  "limits": { "repairs_per_hour": 1000, "storm_incidents_per_hour": 1000 }
})";

std::vector<kernel::FsmapRecord> records(World& world) {
  const UniqueFd root = must(open_file(world.fs().mount_point(), O_RDONLY | O_DIRECTORY));
  return must(kernel::getfsmap(root.get(), {0, world.medium().size_bytes()}));
}

}  // namespace

Scenery::Scenery(const WorldOptions& options) : world(options), name(to_string(options.fs)) {
  Tree& tree = world.tree();
  tree.add_standard_files(kPlainFiles, options.fs.type == FsType::kXfs);
  for (std::uint64_t i = 0; i < kCacheFiles; ++i) {
    tree.add_file("cache/page" + std::to_string(i), 4 * kStageBlock);
  }
  tree.add_file("scratch/draft", 4 * kStageBlock);
  tree.add_file("database/table", 4 * kStageBlock);
  tree.add_hard_link(tree.add_file("cache/linked", 4 * kStageBlock), "kept/linked");
  world.settle();
  // As a device whose writes clear poison.
  world.medium().set_mode("write=clear");
}

ByteRange Scenery::poison_cached(const std::string& file, const ByteRange& range) {
  const FileModel& model = world.tree().file(file);
  const ByteRange device = world.device_range(model, range);
  poisoned.insert(device);
  world.poison_cached(model, range);
  return device;
}

void Scenery::poison_cold(const std::vector<std::pair<FileModel*, ByteRange>>& pieces) {
  std::vector<ByteRange> ranges;
  for (const auto& [file, range] : pieces) {
    ranges.push_back(world.device_range(*file, range));
    poisoned.insert(ranges.back());
  }
  world.fs().drop_caches();
  world.medium().poison(ranges);
}

ByteRange Scenery::poison_cold(const std::string& file, const ByteRange& range) {
  FileModel& model = world.tree().file(file);
  poison_cold({{&model, range}});
  return world.device_range(model, range);
}

void Scenery::poison_device(const ByteRange& range) {
  poisoned.insert(range);
  left.insert(range);
  world.medium().poison(range);
}

Stage::Stage(Story& story) : story_(story) {
  std::vector<World*> worlds;
  for (const FsType type : {FsType::kXfs, FsType::kExt4}) {
    sceneries_.push_back(std::make_unique<Scenery>(WorldOptions{.fs = {.type = type}, .standard_files = false}));
    worlds.push_back(&sceneries_.back()->world);
  }
  chain_ = std::make_unique<Chain>(worlds, std::vector<PolicyFile>{{"10-demo.json", kDemoRules}, default_policy()});
  chain_->start();
}

ByteRange free_sector(World& world) {
  kernel::FsmapRecord largest;
  for (const kernel::FsmapRecord& record : records(world)) {
    if (record.is_free() && record.length > largest.length) {
      largest = record;
    }
  }
  const std::uint64_t blocks = largest.length / kStageBlock;
  return {largest.device_offset + blocks / 2 * kStageBlock + kSectorOfBlock.offset, kSectorOfBlock.length};
}

ByteRange metadata_sector(World& world) {
  const bool xfs = world.fs().options().type == FsType::kXfs;
  ByteRange found;
  for (const kernel::FsmapRecord& record : records(world)) {
    if (record.is_special() &&
        kernel::special_owner_name(record.owner) == std::string_view(xfs ? "static file system metadata" : "inodes")) {
      found = record.device_range();
    }
  }
  // Spare superblocks of XFS are the first sector of their block; the last inodes of ext4 are the last to be used.
  return {xfs ? found.offset : found.end() - 512, 512};
}

}  // namespace pmend::world
