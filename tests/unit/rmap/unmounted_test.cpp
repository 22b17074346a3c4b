// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/unmounted.hpp"

#include "pmend/base/range_set.hpp"
#include "unit/rmap/ext4_image.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace pmend::rmap {
namespace {

using ext4::Image;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::vector<Owner> owners_in(const Image& image, const std::vector<ByteRange>& ranges) {
  auto owners = read_unmounted_ext4({{.type = "ext4"}, image.fd(), false, {}}, ranges);
  return owners ? std::move(*owners) : std::vector<Owner>();
}

// Where the image has this text for the first time.
std::uint64_t place_of(const Image& image, const std::string& text) {
  const auto bytes = image.original();
  const auto found = std::search(bytes.begin(), bytes.end(), text.begin(), text.end(),
                                 [](std::byte byte, char c) { return static_cast<char>(byte) == c; });
  return static_cast<std::uint64_t>(found - bytes.begin());
}

class UnmountedExt4Test : public testing::TestWithParam<std::vector<std::string>> {};

INSTANTIATE_TEST_SUITE_P(Kinds, UnmountedExt4Test,
                         testing::Values(std::vector<std::string>{}, std::vector<std::string>{"-O", "^extent,^64bit"},
                                         std::vector<std::string>{"-O", "inline_data", "-I", "256"},
                                         std::vector<std::string>{"-O", "^metadata_csum"}));

TEST_P(UnmountedExt4Test, FileIsNamedWithAllOfItsPath) {
  const Image image(GetParam());
  if (image.fd() < 0) {
    GTEST_SKIP() << "no mke2fs here";
  }
  const std::uint64_t place = place_of(image, std::string(1024, 's'));  // the beginning of `sparse`
  const auto owners = owners_in(image, {{place + 512, 100}});
  ASSERT_THAT(owners, SizeIs(1));
  EXPECT_EQ(owners[0].kind, OwnerKind::kFile);
  ASSERT_THAT(owners[0].paths, SizeIs(1));
  EXPECT_EQ(owners[0].paths[0].bytes, "/sparse");
  EXPECT_EQ(owners[0].device_range, (ByteRange{place + 512, 100}));
  EXPECT_EQ(owners[0].file_offset.value() % 4096, 512U);
  EXPECT_THAT(owners[0].detail, HasSubstr("not mounted here"));
  EXPECT_THAT(owners[0].detail, Not(HasSubstr("may be old")));
}

TEST_P(UnmountedExt4Test, EveryByteHasAnOwnerAndOnlyFilesHaveFileContent) {
  const Image image(GetParam());
  if (image.fd() < 0) {
    GTEST_SKIP() << "no mke2fs here";
  }
  const auto owners = owners_in(image, {{0, image.bytes()}});
  RangeSet owned;
  int deep = 0;
  for (const Owner& owner : owners) {
    owned.insert(owner.device_range);
    deep += owner.kind == OwnerKind::kFile && owner.paths.size() == 1 &&
                    owner.paths[0].bytes.starts_with("/some/directory/file")
                ? 1
                : 0;
    if (owner.kind == OwnerKind::kFree || owner.kind == OwnerKind::kFile) {
      const auto bytes = image.original().subspan(owner.device_range.offset, owner.device_range.length);
      const bool zeros = std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
      EXPECT_EQ(zeros, owner.kind == OwnerKind::kFree) << to_string(owner.device_range) << owner.detail;
    }
  }
  EXPECT_EQ(owned.total_bytes(), image.bytes());
  EXPECT_GE(deep, 50);
}

TEST(UnmountedExt4, JournalThatWaitsIsSaid) {
  const Image image({});
  if (image.fd() < 0) {
    GTEST_SKIP() << "no mke2fs here";
  }
  // s_feature_incompat of the superblock; 4 is "needs recovery". It has no checksum of its own that is looked at.
  constexpr std::uint64_t kFeatures = 1024 + 0x60;
  std::uint32_t features = 0;
  std::memcpy(&features, image.original().data() + kFeatures, sizeof features);
  features |= 4;
  image.write(kFeatures, std::as_bytes(std::span(&features, 1)));
  const auto owners = owners_in(image, {{0, 512}});
  ASSERT_THAT(owners, SizeIs(1));
  EXPECT_THAT(owners[0].detail, HasSubstr("superblock"));
  EXPECT_THAT(owners[0].detail, HasSubstr("may be old: its journal waits to be replayed"));
  const auto elsewhere = read_unmounted_ext4({{.type = "ext4"}, image.fd(), true, {}}, {{0, 512}});
  EXPECT_THAT(elsewhere->at(0).detail, Not(HasSubstr("may be old")));
}

TEST(UnmountedExt4, WhatIsNoExt4IsAnError) {
  const Image image({});
  if (image.fd() < 0) {
    GTEST_SKIP() << "no mke2fs here";
  }
  image.write(1024, std::vector<std::byte>(1024));
  EXPECT_FALSE(read_unmounted_ext4({{}, image.fd(), false, {}}, {{0, 512}}).has_value());
}

}  // namespace
}  // namespace pmend::rmap
