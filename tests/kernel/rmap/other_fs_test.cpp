// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/disk.hpp"
#include "pmend/block/block_context.hpp"
#include "pmend/rmap/locate_file.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace pmend::rmap {
namespace {

using protocol::Fact;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::uint64_t kErofsBlock = 4096;

// A file system of which nothing is known but FIEMAP: erofs, made of a directory. The oracle is the image: contents are
// random, so a block is where its bytes are.
class OtherFsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = disk::prepare(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    if (access("/usr/bin/mkfs.erofs", X_OK) != 0) {
      GTEST_SKIP() << "mkfs.erofs is not installed (package erofs-utils)";
    }
    directory_ = std::make_unique<disk::TempDirectory>();
    std::filesystem::create_directories(source("d/e"));
    for (const char* name : {"a", "d/b\xff", "d/e/c"}) {
      write_random(name, 10 * kErofsBlock);
    }
    write_random("tail", 3 * kErofsBlock + 100);
    write_random("small", 100);
    std::filesystem::create_hard_link(source("a"), source("d/link"));
    std::ofstream(source("zeros"), std::ios::binary) << std::string(50 * kErofsBlock, 'z');
  }

  void make(const std::vector<std::string>& options) {
    std::vector<std::string> mkfs = {"mkfs.erofs", "--quiet"};
    mkfs.insert(mkfs.end(), options.begin(), options.end());
    mkfs.insert(mkfs.end(), {image(), source("")});
    disk::run(mkfs);
    loop_ = std::make_unique<disk::Loop>(image(), std::filesystem::file_size(image()));
    try {
      fs_ = std::make_unique<disk::Mounted>(loop_->node(), *directory_ / "mnt", "erofs",
                                            std::vector<std::string>{"true"});
    } catch (const std::runtime_error& error) {
      GTEST_SKIP() << "no erofs here: " << error.what();
    }
  }

  std::string image() const { return *directory_ / "image"; }
  std::string source(const std::string& name) const { return *directory_ / "source/" + name; }
  std::string at(const std::string& name) const { return *fs_ / name; }

  void write_random(const std::string& name, std::uint64_t bytes) {
    std::string data;
    for (std::uint64_t i = 0; i < bytes; ++i) {
      data += static_cast<char>(random_());
    }
    std::ofstream(source(name), std::ios::binary) << data;
  }

  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Device offset of each whole block of the file.
  std::vector<std::uint64_t> places_of(const std::string& name) const {
    const std::string device = read(image());
    const std::string data = read(source(name));
    std::vector<std::uint64_t> places;
    for (std::uint64_t at = 0; at + kErofsBlock <= data.size(); at += kErofsBlock) {
      places.push_back(device.find(data.substr(at, kErofsBlock)));
    }
    return places;
  }

  std::vector<OwnedRange> ask(const std::vector<ByteRange>& ranges) {
    ResolveOptions options;
    options.facts = {Fact::kNames, Fact::kAttributes};
    auto answer = make_owner_resolver()->resolve(fs_->ref(), ranges, options);
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    return answer ? *answer : std::vector<OwnedRange>();
  }

  static std::vector<std::string> names_of(const Owner& owner) {
    std::vector<std::string> names;
    for (const FilePath& path : owner.paths) {
      names.push_back(path.bytes);
    }
    return names;
  }

  std::mt19937 random_{1};
  std::unique_ptr<disk::TempDirectory> directory_;
  std::unique_ptr<disk::Loop> loop_;
  std::unique_ptr<disk::Mounted> fs_;
};

TEST_F(OtherFsTest, FilesAreFoundWhereTheirBytesAre) {
  make({});
  if (IsSkipped()) {
    return;
  }
  const std::map<std::string, std::vector<std::string>> names = {
      {"a", {at("a"), at("d/link")}}, {"d/b\xff", {at("d/b\xff")}}, {"d/e/c", {at("d/e/c")}}, {"tail", {at("tail")}}};
  for (const auto& [name, all] : names) {
    const auto places = places_of(name);
    for (std::size_t block = 0; block < places.size(); ++block) {
      ASSERT_NE(places[block], std::string::npos);
      const auto answer = ask({{places[block] + 512, 512}});
      ASSERT_EQ(answer.size(), 1U);
      const Owner& owner = answer[0].owners.at(0);
      EXPECT_EQ(owner.kind, OwnerKind::kFile) << owner.detail;
      EXPECT_EQ(owner.file_offset, block * kErofsBlock + 512);
      EXPECT_THAT(names_of(owner), testing::UnorderedElementsAreArray(all));
      EXPECT_TRUE(owner.all_names);
      EXPECT_TRUE(owner.attributes.has_value());
      EXPECT_THAT(answer[0].evidence, ElementsAre("fiemap", "walk", "name-walk"));
    }
    const auto located = locate_file(fs_->ref(), at(name), {});
    ASSERT_TRUE(located.has_value()) << located.error().message();
    EXPECT_EQ(located->at(0).device_range.offset, places.at(0));
  }
}

TEST_F(OtherFsTest, WhatNoFileSaysIsUnknownAndNothingIsMadeUp) {
  make({});
  if (IsSkipped()) {
    return;
  }
  const auto whole = ask({{0, std::filesystem::file_size(image())}});
  std::uint64_t files = 0;
  for (const OwnedRange& range : whole) {
    if (range.owners[0].kind == OwnerKind::kFile) {
      files += range.device_range.length;
      EXPECT_THAT(range.owners, testing::SizeIs(1));
    } else {
      EXPECT_EQ(range.owners[0].kind, OwnerKind::kUnknown);
      EXPECT_THAT(range.owners[0].detail, HasSubstr("no file of the tree"));
    }
  }
  // Tails lie among metadata, and FIEMAP says so.
  EXPECT_GE(files, (30 + 3) * kErofsBlock);
  EXPECT_LE(files, (30 + 3 + 50) * kErofsBlock);
}

// FIEMAP of erofs gives a compressed file as many bytes of the device as it has itself, and no flag: those behind are
// another file's.
TEST_F(OtherFsTest, CompressedFilesAreNotBelieved) {
  make({"-zlz4"});
  if (IsSkipped()) {
    return;
  }
  EXPECT_TRUE(locate_file(fs_->ref(), at("zeros"), {}).error().is(Errc::kUnsupported));
  struct stat status = {};
  ASSERT_EQ(stat(at("zeros").c_str(), &status), 0);
  bool named = false;
  for (const OwnedRange& range : ask({{0, std::filesystem::file_size(image())}})) {
    for (const Owner& owner : range.owners) {
      EXPECT_FALSE(owner.file && owner.file->inode == status.st_ino);
      named = named || owner.detail.find("zeros: it is compressed") != std::string::npos;
    }
  }
  EXPECT_TRUE(named);
}

TEST_F(OtherFsTest, ItIsNeverWritten) {
  make({});
  if (IsSkipped()) {
    return;
  }
  const auto context = block::read_block_context({}, loop_->node());
  ASSERT_TRUE(context.has_value()) << context.error().message();
  EXPECT_EQ(context->whole.use, block::VolumeUse::kMounted);
  EXPECT_THAT(context->whole.never_write, Contains("it is mounted read-only"));
}

}  // namespace
}  // namespace pmend::rmap
