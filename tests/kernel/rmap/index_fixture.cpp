// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/index_fixture.hpp"

#include "pmend/base/text.hpp"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <stdexcept>

namespace pmend::rmap {
namespace {

// Debian 12's mkfs.xfs (xfsprogs 6.1) does not know parent pointers, but an empty file system has none yet: xfs_db sets
// the feature bit XFS_SB_FEAT_INCOMPAT_PARENT, and the kernel does the rest. The device becomes $0.
const char* const kMakeWithParents =
    "mkfs.xfs -q -f -m rmapbt=1,reflink=1 $0 && "
    "has=$(xfs_db -c 'sb 0' -c 'print features_incompat' $0 | sed 's/.*= //') && "
    "xfs_db -x -c 'sb 0' -c \"write -d features_incompat $((has | 0x80))\" $0 > /dev/null";

struct Sizes {
  int directories;
  int files_in_each;
  int long_directory;
  std::uint64_t extents;
};

// How many times 300,000 files; 0 in a short run.
unsigned long_factor() {
  const char* const set = std::getenv("PMEND_LONG");
  const auto factor = parse_u64(set != nullptr ? set : "");
  return factor ? static_cast<unsigned>(std::min<std::uint64_t>(*factor, 10)) : 0;
}

Sizes sizes() {
  const int factor = static_cast<int>(long_factor());
  return factor > 0 ? Sizes{1000 * factor, 300, 50'000, 20'000} : Sizes{10, 50, 1500, 300};
}

void write_unsynced(const std::string& path, std::uint64_t bytes) {
  const auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const std::string data(bytes, 'x');
  ASSERT_TRUE(file && write_exactly(file->get(), std::as_bytes(std::span(data)), 0));
}

void add_attributes(const std::string& path, std::size_t bytes) {
  const std::string value(bytes, 'v');
  ASSERT_EQ(setxattr(path.c_str(), "user.large", value.data(), value.size(), 0), 0) << path;
}

void fill_directory(const disk::Mounted& fs, int number, int files, std::uint64_t block) {
  const std::string directory = fs / ("dir" + std::to_string(number));
  std::filesystem::create_directories(directory);
  for (int i = 0; i < files; ++i) {
    const std::string path = directory + "/file" + std::to_string(i);
    write_unsynced(path, i % 7 == 0 ? 10 : static_cast<std::uint64_t>(i % 5) * block + 3);
    if (i % 20 == 1) {
      add_attributes(path, 700);
    }
    if (i % 20 == 2) {
      std::filesystem::create_hard_link(path, fs / ("link" + std::to_string(number) + "-" + std::to_string(i)));
    }
    if (i % 20 == 3) {
      std::filesystem::create_symlink(std::string(500, 't'), path + "-symbolic");
    }
    if (i % 20 == 4) {
      std::filesystem::remove(path);
    }
  }
}

void write_sparse(const std::string& path, std::uint64_t block) {
  const auto file = open_file(path, O_WRONLY | O_CREAT, 0644);
  ASSERT_TRUE(file.has_value());
  // Far enough for all levels of indirect blocks of 1 KiB.
  for (const std::uint64_t at : {0ULL, 11ULL, 12ULL, 13ULL, 300ULL, 5000ULL, 70'000ULL, 80'000ULL}) {
    const std::string data(block, 's');
    ASSERT_TRUE(write_exactly(file->get(), std::as_bytes(std::span(data)), at * block));
  }
}

}  // namespace

bool long_run() {
  return long_factor() > 0;
}

void IndexTest::SetUp() {
  if (const std::string why = disk::prepare(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  // The least that mkfs.xfs takes; or room for all the files, and for their inodes where blocks go in clusters.
  bytes_ = (long_run() ? 8192ULL * long_factor() : 320ULL) << 20U;
  directory_ = std::make_unique<disk::TempDirectory>();
  loop_ = std::make_unique<disk::Loop>(*directory_ / "image", bytes_);
  try {
    fs_ = std::make_unique<disk::Mounted>(loop_->node(), *directory_ / "mnt", GetParam().type, GetParam().mkfs);
  } catch (const std::runtime_error& error) {
    if (!GetParam().has_parent_pointers()) {
      throw;
    }
    GTEST_SKIP() << "no XFS with parent pointers here (Linux 6.10, xfs_db): " << error.what();
  }
}

std::vector<OwnedRange> IndexTest::resolve(const std::vector<ByteRange>& ranges,
                                           const std::vector<protocol::Fact>& facts) {
  ResolveOptions options;
  options.facts = facts;
  auto answer = resolver_->resolve(fs_->ref(), ranges, options);
  EXPECT_TRUE(answer.has_value()) << answer.error().message();
  return answer ? std::move(*answer) : std::vector<OwnedRange>();
}

void fill_with_all_shapes(const disk::Mounted& fs, std::uint64_t block) {
  const Sizes size = sizes();
  for (int d = 0; d < size.directories; ++d) {
    fill_directory(fs, d, size.files_in_each, block);
  }
  std::filesystem::create_directories(fs / "long");
  for (int i = 0; i < size.long_directory; ++i) {
    write_unsynced(fs / ("long/a-name-of-some-length-" + std::to_string(i)), 0);
  }
  write_unsynced(fs / "interleaved-a", 0);
  write_unsynced(fs / "interleaved-b", 0);
  for (std::uint64_t i = 0; i < size.extents; ++i) {
    const std::string data(block, 'f');
    for (const char* name : {"interleaved-a", "interleaved-b"}) {
      const auto file = open_file(fs / name, O_WRONLY);
      ASSERT_TRUE(file && write_exactly(file->get(), std::as_bytes(std::span(data)), i * 2 * block));
      if (i % 20 == 0) {
        fdatasync(file->get());
      }
    }
  }
  write_sparse(fs / "sparse", block);
  fs.sync();
}

const std::vector<IndexedKind>& indexed_kinds() {
  const auto ext4 = [](const char* name, std::vector<std::string> more, std::uint64_t block = 4096,
                       std::uint64_t cluster = 0) {
    std::vector<std::string> mkfs = {"mkfs.ext4",
                                     "-q",
                                     "-F",
                                     "-b",
                                     std::to_string(block),
                                     "-N",
                                     std::to_string(long_run() ? 400'000 * long_factor() : 20'000)};
    mkfs.insert(mkfs.end(), more.begin(), more.end());
    return IndexedKind{name, "ext4", mkfs, block, cluster};
  };
  static const std::vector<IndexedKind> kinds = {
      ext4("ext4", {}),
      ext4("ext4_1k", {}, 1024),
      ext4("ext4_without_extents", {"-O", "^extent,^64bit"}, 1024),
      ext4("ext4_bigalloc", {"-O", "bigalloc", "-C", "16384"}, 4096, 16384),
      ext4("ext4_inline_data", {"-O", "inline_data,ea_inode"}),
      ext4("ext4_meta_bg", {"-O", "meta_bg,^resize_inode"}, 1024),
      ext4("ext4_without_checksums", {"-O", "^metadata_csum,^64bit", "-I", "128"}),
      ext4("ext4_orphan_file", {"-O", "orphan_file"}),
      {"xfs", "xfs", {"mkfs.xfs", "-q", "-f", "-m", "rmapbt=1,reflink=1"}},
      {"xfs_without_rmapbt", "xfs", {"mkfs.xfs", "-q", "-f", "-m", "rmapbt=0,reflink=1"}},
      {"xfs_parents", "xfs", {"sh", "-c", kMakeWithParents}}};
  return kinds;
}

std::vector<IndexedKind> indexed_kinds(const std::function<bool(const IndexedKind&)>& wanted) {
  std::vector<IndexedKind> kinds;
  std::ranges::copy_if(indexed_kinds(), std::back_inserter(kinds), wanted);
  return kinds;
}

}  // namespace pmend::rmap
