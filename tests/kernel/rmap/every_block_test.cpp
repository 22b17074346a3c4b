// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/owners_fixture.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace pmend::rmap {
namespace {

using disk::kOracleBlock;

// Every block of the device is asked about and the answer compared with what all files say of themselves.
void fill(const disk::Mounted& fs) {
  for (int d = 0; d < 5; ++d) {
    const std::string directory = "dir" + std::to_string(d);
    std::filesystem::create_directories(fs / directory);
    for (int i = 0; i < 30; ++i) {
      disk::write_file(fs / (directory + "/file-with-a-name-" + std::to_string(i)),
                       static_cast<std::uint64_t>(i) * 3000 + 1);
    }
  }
  disk::write_fragmented(fs / "fragmented", 300);
  disk::preallocate(fs / "unwritten", 100 * kOracleBlock);
  std::filesystem::create_hard_link(fs / "fragmented", fs / "dir1/link");
  std::filesystem::remove(fs / "dir2/file-with-a-name-7");
  fs.sync();
}

TEST_P(OwnersTest, EveryBlockOfTheDeviceHasTheOwnerThatTheFilesClaim) {
  fill(*fs_);
  if (is_xfs()) {
    disk::run({"cp", "--reflink=always", at("fragmented"), at("reflink")});
    fs_->sync();
  }
  const disk::BlockOwners expected = disk::ask_every_file(fs_->path());
  const auto whole = resolve({{0, bytes_}});
  std::uint64_t position = 0;
  std::uint64_t file_blocks = 0;
  for (const OwnedRange& range : whole) {
    ASSERT_EQ(range.device_range.offset, position);
    position = range.device_range.end();
    for (std::uint64_t done = 0; done < range.device_range.length; done += kOracleBlock) {
      std::set<disk::BlockOwner> found;
      for (const Owner& owner : range.owners) {
        if (owner.kind == OwnerKind::kFile) {
          found.insert({owner.file->inode, *owner.file_offset + done, false, owner.unwritten, owner.shared});
        }
      }
      const auto claimed = expected.find(range.device_range.offset + done);
      std::set<disk::BlockOwner> of_files = claimed == expected.end() ? std::set<disk::BlockOwner>() : claimed->second;
      if (std::erase_if(of_files, [](const disk::BlockOwner& o) { return o.directory; }) != 0) {
        EXPECT_EQ(range.owners[0].detail, "directory");
      }
      ASSERT_EQ(found, of_files) << "block at " << range.device_range.offset + done
                                 << " answered: " << to_string(range.owners[0].kind) << ", " << range.owners[0].detail;
      file_blocks += found.empty() ? 0U : 1U;
    }
    if (GetParam().knows_all) {
      EXPECT_NE(range.owners[0].kind, OwnerKind::kUnknown) << range.owners[0].detail;
    }
  }
  EXPECT_EQ(position, bytes_);
  EXPECT_GT(file_blocks, 1000U);
}

TEST_P(OwnersTest, OneBlockAtATimeGivesWhatAllAtOnceGive) {
  fill(*fs_);
  const disk::BlockOwners expected = disk::ask_every_file(fs_->path());
  const std::uint64_t step = GetParam().knows_all ? 1 : 11;
  std::uint64_t number = 0;
  for (const auto& [offset, owners] : expected) {
    if (owners.begin()->directory || number++ % step != 0) {
      continue;
    }
    const Owner owner = only_owner({offset + 1024, 512});
    ASSERT_EQ(owner.kind, OwnerKind::kFile) << owner.detail;
    ASSERT_EQ(owner.file->inode, owners.begin()->inode);
    ASSERT_EQ(owner.file_offset, owners.begin()->file_offset + 1024);
  }
  EXPECT_GT(number, 1000U);
}

// So many that several threads answer.
TEST_P(OwnersTest, ManyPlacesAtOnceGiveWhatEachGivesAlone) {
  fill(*fs_);
  std::vector<ByteRange> places;
  for (const auto& [offset, owners] : disk::ask_every_file(fs_->path())) {
    if (!owners.begin()->directory && offset / kOracleBlock % 3 == 0) {
      places.push_back({offset + 1024, 512});
    }
  }
  ASSERT_GT(places.size(), 300U);
  const auto together = resolve(places, {protocol::Fact::kNames});
  ASSERT_EQ(together.size(), places.size());
  for (std::size_t i = 0; i < places.size(); i += 7) {
    const auto alone = resolve({places[i]}, {protocol::Fact::kNames});
    ASSERT_EQ(alone.size(), 1U);
    EXPECT_EQ(together[i].owners, alone[0].owners);
    EXPECT_FALSE(alone[0].owners.at(0).paths.empty());
  }
}

}  // namespace
}  // namespace pmend::rmap
