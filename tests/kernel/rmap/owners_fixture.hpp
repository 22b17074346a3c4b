// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel/rmap/disk.hpp"
#include "kernel/rmap/extent_oracle.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace pmend::rmap {

inline constexpr std::uint64_t kMiB = 1U << 20U;
struct Kind {
  const char* name;
  const char* type;
  bool knows_all;  // GETFSMAP names every owner
  std::vector<std::string> mkfs;
};

// For gtest, instead of the bytes.
inline void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

// A file system of each kind on a loop device, and short ways to ask who owns what.
class OwnersTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (const std::string why = disk::prepare(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    directory_ = std::make_unique<disk::TempDirectory>();
    loop_ = std::make_unique<disk::Loop>(*directory_ / "image", bytes_);
    fs_ = std::make_unique<disk::Mounted>(loop_->node(), *directory_ / "mnt", GetParam().type, GetParam().mkfs);
  }

  bool is_xfs() const { return std::string(GetParam().type) == "xfs"; }
  std::string at(const std::string& name) const { return *fs_ / name; }

  std::vector<OwnedRange> resolve(const std::vector<ByteRange>& ranges, const std::vector<protocol::Fact>& facts = {}) {
    ResolveOptions options;
    options.facts = facts;
    auto answer = resolver_->resolve(fs_->ref(), ranges, options);
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    return answer ? *answer : std::vector<OwnedRange>();
  }

  // The one owner of the first block of a file.
  Owner owner_of(const std::string& name, const std::vector<protocol::Fact>& facts = {}) {
    const auto ranges = disk::device_ranges(at(name));
    return ranges.empty() ? Owner() : only_owner({ranges[0].offset, 512}, facts);
  }

  Owner only_owner(const ByteRange& range, const std::vector<protocol::Fact>& facts = {}) {
    const auto answer = resolve({range}, facts);
    EXPECT_THAT(answer, testing::SizeIs(1));
    EXPECT_TRUE(!answer.empty() && answer[0].owners.size() == 1);
    return answer.empty() ? Owner() : answer[0].owners.at(0);
  }

  std::uint64_t inode(const std::string& name) const {
    struct stat status = {};
    EXPECT_EQ(lstat(at(name).c_str(), &status), 0);
    return status.st_ino;
  }

  std::uint64_t bytes_ = 320 * kMiB;  // the least that mkfs.xfs takes
  std::unique_ptr<disk::TempDirectory> directory_;
  std::unique_ptr<disk::Loop> loop_;
  std::unique_ptr<disk::Mounted> fs_;
  std::unique_ptr<OwnerResolver> resolver_ = make_owner_resolver();
};

// The raw names.
inline std::vector<std::string> names(const Owner& owner) {
  std::vector<std::string> result;
  for (const FilePath& path : owner.paths) {
    result.push_back(path.bytes);
  }
  return result;
}

}  // namespace pmend::rmap
