// SPDX-License-Identifier: Apache-2.0
// The oracle must fail when it should: each test does one wrong thing to a good world and expects exactly that row.
#include "support/oracle.hpp"

#include "kernel/kernel_test.hpp"
#include "support/must.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <memory>
#include <vector>

namespace pmend::world {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

auto is(Wrong wrong, const std::string& path) {
  return AllOf(Field("wrong", &Difference::wrong, wrong), Field("path", &Difference::path, path));
}

auto is(Wrong wrong, const std::string& path, const ByteRange& range) {
  return AllOf(is(wrong, path), Field("range", &Difference::range, range));
}

class OracleTest : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    world_ = std::make_unique<World>(WorldOptions{.fs = {.type = GetParam()}, .plain_files = 4});
    ASSERT_THAT(world_->compare(), IsEmpty());
  }

  std::string path(const std::string& name) { return world_->fs().mount_point() + "/" + name; }

  void write_at(const std::string& name, std::uint64_t offset, const std::vector<std::byte>& bytes) {
    const UniqueFd fd = must(open_file(path(name), O_WRONLY));
    must(write_exactly(fd.get(), bytes, offset));
    must_call(fsync(fd.get()), "fsync");
  }

  std::unique_ptr<World> world_;
};

TEST_P(OracleTest, SeesASectorThatNobodyDeclaredLost) {
  write_at("tail", 4096 + 512, std::vector<std::byte>(512));
  EXPECT_THAT(world_->compare(),
              UnorderedElementsAre(is(Wrong::kLost, "tail", {4608, 512}), is(Wrong::kLost, "tail", {4608, 512})));
}

TEST_P(OracleTest, AcceptsTheSameSectorOnceItsLossIsDeclared) {
  write_at("tail", 4096 + 512, std::vector<std::byte>(512));
  world_->tree().file("tail").zeros.insert({4608, 512});
  EXPECT_THAT(world_->compare(), IsEmpty());
}

TEST_P(OracleTest, SeesOneChangedByteOfANeighbour) {
  write_at("tail", 5000, {std::byte{0xEE}});
  EXPECT_THAT(world_->compare(), Contains(is(Wrong::kByte, "tail", {5000, 1})).Times(2));
}

TEST_P(OracleTest, TellsWhereMisplacedContentComesFrom) {
  std::vector<std::byte> stale(512);
  fill_content(stale, {world_->tree().file("sparse").content.file, 1}, 8192);
  write_at("tail", 4096, stale);
  const std::string source = "file " + std::to_string(world_->tree().file("sparse").content.file);
  EXPECT_THAT(world_->compare(), Contains(Field("what", &Difference::what, HasSubstr("got " + source))).Times(2));
}

TEST_P(OracleTest, SeesUnreadableDataThatShouldBeHealthy) {
  world_->poison(world_->tree().file("tail"), {4096, 512});
  EXPECT_THAT(world_->compare(), UnorderedElementsAre(is(Wrong::kUnreadable, "tail", {4096, 4096}),
                                                      is(Wrong::kUnreadable, "tail", {4096, 512})));
}

TEST_P(OracleTest, SeesReadableDataWhereAnErrorIsDue) {
  world_->tree().file("tail").unreadable.insert({4096, 512});
  EXPECT_THAT(world_->compare(), ElementsAre(is(Wrong::kReadable, "tail", {4096, 512})));
}

TEST_P(OracleTest, SeesAMovedExtent) {
  // The bytes are right again, the block is another one: XFS moves it by itself, ext4 when somebody takes it meanwhile.
  const UniqueFd fd = must(open_file(path("tail"), O_RDWR));
  std::vector<std::byte> block(4096);
  must(read_exactly(fd.get(), block, 4096));
  const int mode = GetParam() == FsType::kXfs ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
  must_call(fallocate(fd.get(), mode | FALLOC_FL_KEEP_SIZE, 4096, 4096), "fallocate");
  world_->tree().add_file("takes-the-freed-block", 4096);
  world_->fs().sync();
  must(write_exactly(fd.get(), block, 4096));
  must_call(fsync(fd.get()), "fsync");
  const auto found = world_->compare();
  EXPECT_THAT(found, Contains(is(Wrong::kExtents, "tail")));
  EXPECT_THAT(found, Not(Contains(is(Wrong::kByte, "tail"))));
}

TEST_P(OracleTest, SeesEveryChangedAttribute) {
  must_call(chmod(path("owned").c_str(), 0644), "chmod");
  must_call(chown(path("tail").c_str(), 7, 7), "chown");
  must_call(truncate(path("dir0/plain0").c_str(), 8192), "truncate");
  must_call(setxattr(path("tagged").c_str(), "user.note", "new", 3, 0), "setxattr");
  must_call(setxattr(path("empty").c_str(), "user.added", "x", 1, 0), "setxattr");
  must_call(removexattr(path("capable").c_str(), "security.capability"), "removexattr");
  must_call(unlink(path("linked/second").c_str()), "unlink");
  must_call(link(path("sparse").c_str(), path("another").c_str()), "link");
  const auto found = world_->compare();
  for (const auto& expected : {is(Wrong::kMode, "owned"), is(Wrong::kOwner, "tail"), is(Wrong::kSize, "dir0/plain0"),
                               is(Wrong::kXattr, "tagged"), is(Wrong::kXattr, "empty"), is(Wrong::kXattr, "capable"),
                               is(Wrong::kMissing, "linked/second"), is(Wrong::kLinkCount, "linked/first"),
                               is(Wrong::kExtra, "another"), is(Wrong::kLinkCount, "sparse")}) {
    EXPECT_THAT(found, Contains(expected));
  }
}

TEST_P(OracleTest, SeesAReplacedFileOfTheSameContent) {
  FileModel& file = world_->tree().file("tail");
  must_run({"cp", "-a", path("tail"), path("copy")});
  must_call(rename(path("copy").c_str(), path("tail").c_str()), "rename");
  EXPECT_THAT(world_->compare(), Contains(is(Wrong::kInode, file.name())));
}

TEST_P(OracleTest, SeesAWriteOutsideTheAllowedRanges) {
  const FileModel& file = world_->tree().file("dir0/plain0");
  const ByteRange block = world_->device_range(file, {0, 4096});
  write_at("dir0/plain0", 0, std::vector<std::byte>(4096));
  EXPECT_THAT(world_->stray_writes({}), ElementsAre(is(Wrong::kStrayWrite, "", block)));
  EXPECT_THAT(world_->stray_writes({block}), IsEmpty());
  // One sector less allowed is one sector stray.
  EXPECT_THAT(world_->stray_writes({{block.offset, 4096 - 512}}),
              ElementsAre(is(Wrong::kStrayWrite, "", {block.end() - 512, 512})));
}

TEST_P(OracleTest, SeesAWriteToFreeSpace) {
  const RangeSet metadata = metadata_ranges(world_->tree(), world_->medium().size_bytes());
  RangeSet free({{0, world_->medium().size_bytes()}});
  for (const ByteRange& used : metadata.ranges()) {
    free.erase(used);
  }
  for (const FileModel* file : std::as_const(world_->tree()).files()) {
    for (const kernel::FileExtent& extent : file->extents) {
      free.erase(extent.device_range());
    }
  }
  const ByteRange target{free.ranges().back().offset, 512};
  const UniqueFd device = must(open_file(world_->loop().node(), O_WRONLY | O_DIRECT));
  alignas(4096) std::array<std::byte, 512> zeros{};
  must(write_exactly(device.get(), zeros, target.offset));
  EXPECT_THAT(world_->stray_writes({}), ElementsAre(is(Wrong::kStrayWrite, "", target)));
}

INSTANTIATE_TEST_SUITE_P(Kernel, OracleTest, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return to_string(FsOptions{.type = param_info.param}); });

}  // namespace
}  // namespace pmend::world
