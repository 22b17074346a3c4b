// SPDX-License-Identifier: Apache-2.0
// How long "whose bytes are these?" takes, beside what people ask today: `pmend-rmap-bench [FILES [EXTENTS]]` makes an
// ext4 and an XFS with so many files and an index of so many made-up extents. Everything is warm unless it says
// cold, rounds are interleaved and medians printed. Exit 77 where it cannot run.
#include "bench/figures.hpp"
#include "bench/rmap_lookups.hpp"
#include "kernel/rmap/disk.hpp"
#include "kernel/rmap/extent_oracle.hpp"
#include "pmend/base/text.hpp"
#include "pmend/kernel/getfsmap.hpp"
#include "pmend/rmap/ext4/scan.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

namespace pmend::bench {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr int kRounds = 5;
constexpr std::uint64_t kDefaultFiles = 300'000;
constexpr std::uint64_t kDefaultExtents = 10'000'000;
constexpr std::uint64_t kFilesInDirectory = 100;
constexpr std::size_t kQuestions = 2000;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

std::string directory_of(std::uint64_t file) {
  return "d" + std::to_string(file / kFilesInDirectory / 100) + "/d" + std::to_string(file / kFilesInDirectory);
}

std::string name_of(std::uint64_t file) {
  return directory_of(file) + "/a-file-of-the-bench-" + std::to_string(file);
}

void fill(const disk::Mounted& fs, std::uint64_t files) {
  const std::string block(4096, 'b');
  for (std::uint64_t i = 0; i < files; ++i) {
    if (i % kFilesInDirectory == 0) {
      std::filesystem::create_directories(fs / directory_of(i));
    }
    std::ofstream(fs / name_of(i)) << block;
  }
  fs.sync();  // gives back what XFS had set aside behind the ends of files
  disk::write_fragmented(fs / "fragmented", 20'000);
  fs.sync();
}

// Of this process, until now: read(2) and its kin.
std::uint64_t reads_until_now() {
  std::ifstream io("/proc/self/io");
  std::string word;
  std::uint64_t value = 0;
  while (io >> word >> value) {
    if (word == "syscr:") {
      return value;
    }
  }
  return 0;
}

void build_ext4_index(const std::string& node) {
  const auto device = open_file(node, O_RDONLY);
  rmap::ext4::Damage damage;
  const auto layout = rmap::ext4::read_layout(device->get(), damage);
  rmap::ExtentIndexBuilder builder;
  rmap::ext4::ScanOptions options;
  options.sink = [&builder](const rmap::IndexedExtent& extent) { builder.add(extent); };
  options.wants_links = [] { return true; };
  auto report = rmap::ext4::scan(*layout, options, std::move(damage));
  const auto index = std::move(builder).build();
  const auto parents = rmap::ParentTable::build(std::move(report.links));
  std::printf("  index: %llu inodes, %zu extents, %.1f MiB with %zu names\n",
              static_cast<unsigned long long>(report.inodes), index.pieces(),
              static_cast<double>(index.bytes() + parents.links().size_bytes()) / (1U << 20U), parents.links().size());
}

// The places of some files, for questions.
std::vector<ByteRange> places_of(const disk::Mounted& fs, std::uint64_t files, std::size_t count) {
  std::mt19937_64 random(3);
  std::vector<ByteRange> places;
  for (std::size_t i = 0; i < count; ++i) {
    places.push_back({disk::device_ranges(fs / name_of(random() % files)).at(0).offset, 512});
  }
  return places;
}

// Questions with names and checks.
class Questions {
 public:
  Questions(const disk::Mounted& fs, std::uint64_t files) : fs_(fs.ref()), places_(places_of(fs, files, kQuestions)) {
    options_.facts = {protocol::Fact::kNames};
  }

  const std::vector<ByteRange>& places() const { return places_; }

  // Seconds.
  double ask(const std::vector<ByteRange>& places) {
    const double took = seconds_of([&] { answer_ = resolver_->resolve(fs_, places, options_); });
    for (const rmap::OwnedRange& range : answer_.value()) {
      if (range.owners.at(0).paths.empty()) {
        throw std::runtime_error("a block of a file without its name");
      }
    }
    return took;
  }
  void ask_each() {
    for (const ByteRange& place : places_) {
      alone_.push_back(ask({place}));
    }
  }
  void ask_together() { together_.push_back(ask(places_) / static_cast<double>(places_.size())); }

  double alone() const { return world::percentile(alone_, 0.5); }
  double together() const { return world::percentile(together_, 0.5); }
  void print(const char* type, std::uint64_t files) const {
    std::printf("%s, %llu files: one question with name and check %.1f us, p95 %.1f us; of %zu at once each %.1f us\n",
                type, static_cast<unsigned long long>(files), alone() * 1e6, world::percentile(alone_, 0.95) * 1e6,
                places_.size(), together() * 1e6);
  }

 private:
  std::unique_ptr<rmap::OwnerResolver> resolver_ = rmap::make_owner_resolver();
  rmap::MountedFileSystem fs_;
  std::vector<ByteRange> places_;
  rmap::ResolveOptions options_;
  Result<std::vector<rmap::OwnedRange>> answer_;
  std::vector<double> alone_;
  std::vector<double> together_;
};

void print_peer(const char* command, double seconds, const Questions& questions) {
  std::printf("  %s: %.3f s = %.0f x, %.0f x\n", command, seconds, seconds / questions.alone(),
              seconds / questions.together());
}

// Nothing of the file system, its device or its image is in the page cache afterwards; all else is.
void make_cold(const disk::Mounted& fs, const std::string& node, const std::string& image) {
  disk::run({"sh", "-c",
             "umount " + fs.path() + " && blockdev --flushbufs " + node + " && dd if=/dev/null of=" + image +
                 " oflag=nocache conv=notrunc,fdatasync count=0 status=none && mount -t ext4 " + node + " " +
                 fs.path()});
}

void measure_cold(const disk::Mounted& fs, const std::string& node, const std::string& image, const std::string& walk) {
  std::vector<double> index;
  std::vector<double> walked;
  for (int round = 0; round < kRounds; ++round) {
    make_cold(fs, node, image);
    index.push_back(seconds_of([&] { build_ext4_index(node); }));
    make_cold(fs, node, image);
    walked.push_back(seconds_of([&] { disk::run({"sh", "-c", walk}); }));
  }
  const double ours = world::percentile(index, 0.5);
  std::printf("ext4, cold: whole index %.3f s; the same walk %.2f s = %.1f x\n", ours, world::percentile(walked, 0.5),
              world::percentile(walked, 0.5) / ours);
}

void measure_ext4(std::uint64_t files) {
  const disk::TempDirectory directory;
  const disk::Loop loop(directory / "image", (files + 100'000) * 16384);
  const disk::Mounted fs(loop.node(), directory / "mnt", "ext4",
                         {"mkfs.ext4", "-q", "-F", "-b", "4096", "-N", std::to_string(files + files / 3)});
  fill(fs, files);
  Questions questions(fs, files);
  const std::string unused = std::to_string((files + 100'000) * 4 - 10);
  const std::string walk = "find " + fs.path() + " -xdev -type f -print0 | xargs -0 filefrag -v >/dev/null";
  const std::string icheck = "debugfs -R 'icheck " + unused + "' " + loop.node() + " >/dev/null 2>&1";
  // One block after the other: both end where they have found what they look for.
  const auto both = [&](int round) {
    const std::uint64_t block = questions.places().at(static_cast<std::size_t>(round)).offset / 4096;
    return "i=$(debugfs -R 'icheck " + std::to_string(block) + "' " + loop.node() +
           " 2>/dev/null | tail -1 | cut -f2); debugfs -R \"ncheck $i\" " + loop.node() + " >/dev/null 2>&1";
  };
  std::vector<double> index;
  std::vector<double> walked;
  std::vector<double> checked;
  std::vector<double> named;
  const std::uint64_t reads_before = reads_until_now();
  build_ext4_index(loop.node());
  const std::uint64_t reads = reads_until_now() - reads_before;
  questions.ask(questions.places());
  for (int round = 0; round < kRounds; ++round) {
    index.push_back(seconds_of([&] { build_ext4_index(loop.node()); }));
    walked.push_back(seconds_of([&] { disk::run({"sh", "-c", walk}); }));
    checked.push_back(seconds_of([&] { disk::run({"sh", "-c", icheck}); }));
    questions.ask_each();
    questions.ask_together();
    named.push_back(seconds_of([&] { disk::run({"sh", "-c", both(round)}); }));
  }
  const double ours = world::percentile(index, 0.5);
  std::printf("ext4, %llu files: whole index %.3f s, %.1f reads a 1,000 files\n",
              static_cast<unsigned long long>(files), ours,
              static_cast<double>(reads) * 1000 / static_cast<double>(files));
  std::printf("  %s: %.2f s = %.1f x\n", walk.c_str(), world::percentile(walked, 0.5),
              world::percentile(walked, 0.5) / ours);
  std::printf("  %s: %.3f s; the index is %.2f of it\n", icheck.c_str(), world::percentile(checked, 0.5),
              ours / world::percentile(checked, 0.5));
  questions.print("ext4", files);
  print_peer("icheck and ncheck", world::percentile(named, 0.5), questions);
  measure_cold(fs, loop.node(), directory / "image", walk);
}

void measure_xfs(std::uint64_t files) {
  const disk::TempDirectory directory;
  const disk::Loop loop(directory / "image", (files + 100'000) * 16384);
  const disk::Mounted fs(loop.node(), directory / "mnt", "xfs", {"mkfs.xfs", "-q", "-f", "-m", "rmapbt=1,reflink=1"});
  fill(fs, files);
  Questions questions(fs, files);
  const std::string command = "xfs_db -r -c 'blockget -n' -c 'daddr " +
                              std::to_string(questions.places()[0].offset / 512) + "' -c 'blockuse -n' " + loop.node();
  std::vector<double> bare;
  std::vector<double> used;
  for (int round = 0; round < kRounds; ++round) {
    // xfs_db refuses a file system with anything in its log, and does not see what lies in the cache of a mounted one.
    fs.remount();
    used.push_back(seconds_of([&] {
      disk::run({"sh", "-c", command + " | grep -q 'type data.*a-file-of-the-bench'"});
    }));
    questions.ask(questions.places());
    const auto root = open_file(fs.path(), O_RDONLY | O_DIRECTORY);
    for (const ByteRange& place : questions.places()) {
      bare.push_back(seconds_of([&] { (void)kernel::getfsmap(root->get(), place); }));
    }
    questions.ask_each();
    questions.ask_together();
  }
  const double getfsmap = world::percentile(bare, 0.5);
  questions.print("XFS with rmapbt", files);
  std::printf("  GETFSMAP alone %.1f us, of which they are %.1f and %.1f\n", getfsmap * 1e6,
              questions.alone() / getfsmap, questions.together() / getfsmap);
  print_peer(command.c_str(), world::percentile(used, 0.5), questions);
}

int run_all(const std::vector<std::string>& args) {
  if (const std::string why = disk::prepare(); !why.empty()) {
    std::printf("SKIPPED: %s\n", why.c_str());
    return 77;
  }
  const std::uint64_t files = args.empty() ? kDefaultFiles : parse_u64(args[0]).value_or(kDefaultFiles);
  measure_lookups(args.size() < 2 ? kDefaultExtents : parse_u64(args[1]).value_or(kDefaultExtents));
  measure_ext4(files);
  measure_xfs(files);
  return 0;
}

}  // namespace
}  // namespace pmend::bench

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return pmend::bench::run_all({argv + 1, argv + argc});
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
