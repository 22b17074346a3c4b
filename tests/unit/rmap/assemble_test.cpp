// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/assemble.hpp"

#include "pmend/rmap/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace pmend::rmap {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const FileSystemRef kFs{"xfs", "uuid", "", "/srv"};

Claim file_claim(const ByteRange& range, std::uint64_t inode, std::uint64_t file_offset) {
  Claim claim;
  claim.device_range = range;
  claim.kind = OwnerKind::kFile;
  claim.inode = inode;
  claim.generation = 7;
  claim.data_fork = true;
  claim.file_offset = file_offset;
  claim.evidence = kByFsmap | kByFiemap;
  return claim;
}

Claim free_claim(const ByteRange& range) {
  Claim claim;
  claim.device_range = range;
  claim.kind = OwnerKind::kFree;
  claim.detail = "free space";
  claim.evidence = kByFsmap;
  return claim;
}

std::vector<OwnedRange> run(const std::vector<ByteRange>& wanted, std::vector<Claim> claims) {
  return assemble(kFs, RangeSet(wanted), std::move(claims), "nobody knows");
}

TEST(Assemble, OffsetInTheFileFollowsThePiece) {
  const auto pieces = run({{4608, 512}}, {file_claim({4096, 8192}, 131, 40960)});
  ASSERT_THAT(pieces, SizeIs(1));
  const Owner& owner = pieces[0].owners.at(0);
  EXPECT_EQ(owner.kind, OwnerKind::kFile);
  EXPECT_EQ(owner.file, (FileId{131, 7}));
  EXPECT_EQ(owner.file_offset, 40960U + 512U);
  EXPECT_EQ(owner.device_range, (ByteRange{4608, 512}));
  EXPECT_THAT(pieces[0].evidence, ElementsAre("getfsmap", "fiemap"));
}

TEST(Assemble, CutsWhereOwnersChangeAndSaysWhatIsUnclaimed) {
  const auto pieces = run({{0, 16384}}, {free_claim({8192, 4096}), file_claim({4096, 4096}, 131, 0)});
  ASSERT_THAT(pieces, SizeIs(4));
  const OwnerKind kinds[] = {OwnerKind::kUnknown, OwnerKind::kFile, OwnerKind::kFree, OwnerKind::kUnknown};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(pieces[i].device_range, (ByteRange{i * 4096, 4096}));
    EXPECT_EQ(pieces[i].owners.at(0).kind, kinds[i]);
  }
  EXPECT_EQ(pieces[0].owners[0].detail, "nobody knows");
}

TEST(Assemble, SharedPieceHasAllItsOwnersInOneOrder) {
  std::vector<Claim> claims = {file_claim({4096, 4096}, 200, 0), file_claim({0, 12288}, 131, 0),
                               file_claim({4096, 4096}, 150, 8192)};
  const auto pieces = run({{0, 12288}}, claims);
  std::swap(claims[0], claims[2]);
  EXPECT_EQ(run({{0, 12288}}, claims), pieces);
  ASSERT_THAT(pieces, SizeIs(3));
  ASSERT_THAT(pieces[1].owners, SizeIs(3));
  EXPECT_EQ(pieces[1].owners[0].file->inode, 131U);
  EXPECT_EQ(pieces[1].owners[1].file->inode, 150U);
  EXPECT_EQ(pieces[1].owners[2].file->inode, 200U);
  EXPECT_EQ(pieces[2].owners.at(0).file_offset, 8192U);
}

TEST(Assemble, JoinsWhatMerelyContinues) {
  EXPECT_THAT(run({{0, 8192}}, {file_claim({0, 4096}, 131, 0), file_claim({4096, 4096}, 131, 4096)}), SizeIs(1));
  EXPECT_THAT(run({{0, 8192}}, {file_claim({0, 4096}, 131, 0), file_claim({4096, 4096}, 131, 8192)}), SizeIs(2));
  EXPECT_THAT(run({{0, 4096}, {8192, 4096}}, {free_claim({0, 65536})}), SizeIs(2));
}

TEST(Assemble, UnknownOwnerBesideAKnownOneStays) {
  const auto pieces =
      run({{0, 512}}, {file_claim({0, 4096}, 131, 0), unknown_claim({0, 4096}, "could not be checked")});
  ASSERT_THAT(pieces, SizeIs(1));
  EXPECT_THAT(pieces[0].owners, SizeIs(2));
}

TEST(Assemble, TheSameOwnerFoundTwiceCountsOnce) {
  const auto pieces = run({{0, 512}}, {file_claim({0, 4096}, 131, 0), file_claim({0, 512}, 131, 0)});
  ASSERT_THAT(pieces, SizeIs(1));
  EXPECT_THAT(pieces[0].owners, SizeIs(1));
}

TEST(AbsolutePath, RootOfTheMountAndRootOfTheWorld) {
  EXPECT_EQ(absolute_path("/srv", "a/b"), "/srv/a/b");
  EXPECT_EQ(absolute_path("/srv", "."), "/srv");
  EXPECT_EQ(absolute_path("/", "a"), "/a");
  EXPECT_EQ(absolute_path("/", "."), "/");
}

}  // namespace
}  // namespace pmend::rmap
