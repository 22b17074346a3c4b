// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/xfs_parents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace pmend::kernel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// One record as the kernel writes it: handle, length, name.
std::vector<std::byte> record(std::uint64_t inode, std::uint32_t generation, const std::string& name,
                              std::uint32_t bytes) {
  std::vector<std::byte> made(bytes);
  std::memcpy(made.data() + 12, &generation, sizeof generation);
  std::memcpy(made.data() + 16, &inode, sizeof inode);
  std::memcpy(made.data() + 24, &bytes, sizeof bytes);
  std::memcpy(made.data() + 32, name.data(), name.size());
  return made;
}

std::vector<std::byte> joined(std::vector<std::byte> first, const std::vector<std::byte>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

bool is_refused(const std::vector<std::byte>& buffer) {
  const auto parsed = parse_parent_records(buffer);
  return !parsed && parsed.error().is(Errc::kInvalid);
}

TEST(XfsParents, RecordsAreRead) {
  const auto parsed = parse_parent_records(joined(record(128, 7, "a", 40), record(1ULL << 40U, 0, "b\xff\n", 4096)));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_THAT(*parsed, ElementsAre(ParentPointer{{128, 7}, "a"}, ParentPointer{{1ULL << 40U, 0}, "b\xff\n"}));
}

TEST(XfsParents, NothingWrittenIsNoParent) {
  EXPECT_THAT(parse_parent_records(std::vector<std::byte>(4096)).value(), IsEmpty());
  EXPECT_THAT(parse_parent_records({}).value(), IsEmpty());
}

TEST(XfsParents, LengthsThatCannotBeAreRefused) {
  auto too_long = record(128, 7, "a", 40);
  const std::uint32_t bytes = 48;
  std::memcpy(too_long.data() + 24, &bytes, sizeof bytes);
  EXPECT_TRUE(is_refused(too_long));
  for (const std::uint32_t small : {1U, 31U, 32U}) {
    auto too_short = record(128, 7, "a", 40);
    std::memcpy(too_short.data() + 24, &small, sizeof small);
    EXPECT_TRUE(is_refused(too_short)) << small;
  }
}

TEST(XfsParents, NamesThatCannotBeAreRefused) {
  for (const char* name : {"", ".", "..", "a/b", "/"}) {
    EXPECT_TRUE(is_refused(record(128, 7, name, 40))) << name;
  }
  EXPECT_TRUE(is_refused(record(128, 7, "12345678", 40))) << "no end";
}

}  // namespace
}  // namespace pmend::kernel
