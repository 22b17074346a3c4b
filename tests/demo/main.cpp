// SPDX-License-Identifier: Apache-2.0
// The demonstration that ./demo.sh runs: what bad sectors do to real files, told in plain words and checked byte by
// byte. Exit 0 only if everything happened as told, 1 if not, 77 if it cannot run here.
#include "pmend/base/text.hpp"
#include "pmend/kernel/block_device.hpp"
#include "support/mounts.hpp"
#include "support/must.hpp"
#include "support/world.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace pmend::world {
namespace {

constexpr int kCannotRun = 77;

// What has been told and whether it was true.
class Story {
 public:
  explicit Story(std::string subject) : subject_(std::move(subject)) {}

  void tell(const std::string& text) const { std::printf("%-5s %s\n", subject_.c_str(), text.c_str()); }

  // Tells a fact that has been looked at; a false one spoils the demonstration.
  void expect(bool is_true, const std::string& text) {
    tell((is_true ? "  ok  " : "  NOT ") + text);
    failed_ = failed_ || !is_true;
    ++facts_;
  }

  bool failed() const { return failed_; }
  int facts() const { return facts_; }

 private:
  std::string subject_;
  bool failed_ = false;
  int facts_ = 0;
};

std::string sectors_of(const ByteRange& range) {
  const SectorRange sectors = touched_sectors(range);
  return "sector " + std::to_string(sectors.first) + (sectors.count > 1 ? " and following" : "");
}

// What read(2) says to an application: "" if it works.
std::string read_error(const std::string& path, std::uint64_t offset) {
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_RANDOM);
  std::vector<std::byte> block(4096);
  const auto read = read_exactly(fd.get(), block, offset);
  return read ? "" : read.error().code.message();
}

void tell_differences(Story& story, const std::vector<Difference>& found) {
  for (const Difference& difference : found) {
    story.tell("      oracle: " + to_string(difference));
  }
}

bool all_in(const std::vector<Difference>& found, const std::string& path, const ByteRange& range) {
  for (const Difference& difference : found) {
    if (difference.path != path || difference.wrong != Wrong::kUnreadable || !range.contains(difference.range)) {
      return false;
    }
  }
  return !found.empty();
}

// The sector that goes bad and is healed by hand.
constexpr const char* kColdFile = "odd/new\nline";
constexpr ByteRange kColdBlock{4096, 4096};
constexpr ByteRange kColdSector{4096 + 3 * 512, 512};

void cold_sector(Story& story, World& world) {
  const FileModel& file = world.tree().file(kColdFile);
  story.tell("A sector of a file that nobody has read lately goes bad: " +
             sectors_of(world.device_range(file, kColdSector)) + " of " + world.loop().node() + ".");
  world.poison(file, kColdSector);
  story.expect(read_error(world.tree().path(file), kColdBlock.offset) == "Input/output error",
               "an application that reads the block gets: Input/output error");
  story.expect(read_error(world.tree().path(file), 0).empty(), "the block before it still reads");
  const auto found = world.compare();
  tell_differences(story, found);
  story.expect(all_in(found, file.name(), kColdBlock),
               "of all files only \"" + escape_bytes(file.name()) + "\" is damaged, and only there");
}

void zero_in_place(Story& story, World& world) {
  FileModel& file = world.tree().file(kColdFile);
  const ByteRange device = world.device_range(file, kColdSector);
  story.tell("By hand, the device's own zero command on exactly that sector (BLKZEROOUT):");
  const UniqueFd fd = must(open_file(world.loop().node(), O_RDWR));
  const bool zeroed = kernel::zero_out(fd.get(), device).has_value();
  world.fs().drop_caches();
  story.expect(zeroed && world.medium().poisoned().empty(), "the poison is gone");
  file.zeros.insert(kColdSector);
  const auto found = world.compare();
  tell_differences(story, found);
  story.expect(found.empty(),
               "512 bytes are zeros now, every other byte, extent and attribute of every file is as before");
  story.expect(world.stray_writes({device}).empty(), "the medium saw no write outside that sector and the metadata");
}

void hidden_by_the_cache(Story& story, World& world) {
  const FileModel& file = world.tree().file("linked/first");
  story.tell("A sector goes bad under a file whose blocks are in the page cache.");
  world.poison_cached(file, {0, 512});
  story.expect(read_error(world.tree().path(file), 0).empty(),
               "applications notice nothing: the cache still has the bytes");
  const auto found = compare_content(world.tree(), file);
  tell_differences(story, found);
  story.expect(all_in(found, file.name(), {0, 512}), "only a direct read shows the hole under them");
}

int demonstrate(const FsOptions& options) {
  Story story(to_string(options));
  const auto start = std::chrono::steady_clock::now();
  World world({.fs = options, .plain_files = 200});
  story.tell("A fresh file system on a medium that can fail, " + std::to_string(world.tree().files().size()) +
             " files of known bytes.");
  story.expect(world.compare().empty(), "every byte, name, attribute and extent is as it was made");
  cold_sector(story, world);
  zero_in_place(story, world);
  hidden_by_the_cache(story, world);
  world.tear_down();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%-5s %d facts checked in %.1f s: %s\n\n", to_string(options).c_str(), story.facts(), seconds.count(),
              story.failed() ? "NOT as told" : "all as told");
  return story.failed() ? 1 : 0;
}

int run() {
  if (const auto reason = World::unavailable()) {
    std::fprintf(stderr, "demo: cannot run here: %s\n", reason->c_str());
    return kCannotRun;
  }
  // Whatever becomes of this process, its mounts go with it.
  enter_private_mount_namespace();
  const int xfs = demonstrate({.type = FsType::kXfs});
  const int ext4 = demonstrate({.type = FsType::kExt4});
  return xfs != 0 || ext4 != 0 ? 1 : 0;
}

}  // namespace
}  // namespace pmend::world

int main() {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return pmend::world::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "demo: %s\n", error.what());
    return 1;
  }
}
