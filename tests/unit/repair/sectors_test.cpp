// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/sectors.hpp"

#include "pmend/base/unique_fd.hpp"
#include "unit/repair/temp_dir.hpp"

#include <fcntl.h>

namespace pmend::repair {
namespace {

class SectorsTest : public TempDirTest {
 protected:
  void SetUp() override {
    TempDirTest::SetUp();
    auto file = open_file(directory_ / "device", O_RDWR | O_CREAT);
    ASSERT_TRUE(file.has_value());
    device_ = std::move(*file);
    std::vector<std::byte> content(8192);
    for (std::size_t i = 0; i < content.size(); ++i) {
      content[i] = static_cast<std::byte>(i / kSectorBytes + 1);
    }
    ASSERT_TRUE(write_exactly(device_.get(), content, 0).has_value());
    place_.device = "device";
    place_.device_fd = device_.get();
    place_.device_bytes = content.size();
  }

  UniqueFd device_;
  Place place_;
};

TEST_F(SectorsTest, GivesTheBytesOfExactlyTheRange) {
  const auto read = read_sectors(place_, {1024, 1536});
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_TRUE(read->all_readable());
  ASSERT_EQ(read->readable.size(), 3U);
  ASSERT_EQ(read->bytes.size(), 1536U);
  EXPECT_EQ(read->bytes[0], std::byte{3});
  EXPECT_EQ(read->bytes[1535], std::byte{5});
}

TEST_F(SectorsTest, RefusesWhatIsNoWholeBlockOfTheDevice) {
  place_.block_bytes = 4096;
  for (const ByteRange range : {ByteRange{512, 4096}, ByteRange{0, 512}, ByteRange{0, 0}, ByteRange{8192, 4096}}) {
    EXPECT_TRUE(read_sectors(place_, range).error().is(Errc::kInvalid)) << to_string(range);
  }
}

TEST_F(SectorsTest, AFailureThatIsNotTheMediumsIsNoBadSector) {
  place_.device_fd = -1;
  const auto read = read_sectors(place_, {0, 512});
  ASSERT_FALSE(read.has_value());
  EXPECT_TRUE(read.error().is_errno(EBADF));
}

TEST_F(SectorsTest, AReadThatStopsShortIsABadSectorAndZeros) {
  place_.device_bytes = 16384;  // the file ends before
  const auto read = read_sectors(place_, {7680, 1024});
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(read->readable, (std::vector<bool>{true, false}));
  EXPECT_EQ(read->bytes[512], std::byte{0});
}

TEST(SectorsDigest, TellsUnreadableSectorsFromZeros) {
  const SectorsRead zeros{{0, 512}, {true}, std::vector<std::byte>(512)};
  const SectorsRead unreadable{{0, 512}, {false}, std::vector<std::byte>(512)};
  EXPECT_NE(digest_of(zeros), digest_of(unreadable));
  EXPECT_EQ(digest_of(zeros), digest_of(zeros));
}

}  // namespace
}  // namespace pmend::repair
