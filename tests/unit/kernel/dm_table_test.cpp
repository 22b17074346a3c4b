// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/dm_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/dm-ioctl.h>

#include <cstring>

namespace pmend::kernel {
namespace {

using testing::ElementsAre;

// One target as the kernel puts it: padded to 8 bytes; `next` counts from the first one.
void put(std::vector<std::byte>& bytes, std::uint64_t start, std::uint64_t length, const std::string& type,
         const std::string& parameters) {
  dm_target_spec spec{};
  spec.sector_start = start;
  spec.length = length;
  type.copy(spec.target_type, sizeof spec.target_type);
  const std::size_t at = bytes.size();
  const std::size_t end = (at + sizeof spec + parameters.size() + 1 + 7) / 8 * 8;
  spec.next = static_cast<std::uint32_t>(end);
  bytes.resize(end);
  std::memcpy(bytes.data() + at, &spec, sizeof spec);
  std::memcpy(bytes.data() + at + sizeof spec, parameters.data(), parameters.size());
}

TEST(DmTable, TargetsAreReadInTheirOrder) {
  std::vector<std::byte> bytes;
  put(bytes, 0, 100, "linear", "8:1 2048");
  put(bytes, 100, 16, "striped", "2 8 8:1 0 8:2 0");
  const auto table = decode_dm_targets(bytes, 2);
  ASSERT_TRUE(table.has_value()) << table.error().message();
  EXPECT_THAT(*table, ElementsAre(DmTarget{{0, 51200}, "linear", "8:1 2048"},
                                  DmTarget{{51200, 8192}, "striped", "2 8 8:1 0 8:2 0"}));
}

TEST(DmTable, KeysAreNotTakenOver) {
  std::vector<std::byte> bytes;
  put(bytes, 0, 100, "crypt", "aes-xts-plain64 0123456789abcdef 0 8:1 4096");
  const auto table = decode_dm_targets(bytes, 1);
  ASSERT_TRUE(table.has_value());
  EXPECT_THAT(*table, ElementsAre(DmTarget{{0, 51200}, "crypt", ""}));
}

TEST(DmTable, AnswersThatAreCutOrGoInCirclesAreErrors) {
  std::vector<std::byte> bytes;
  put(bytes, 0, 100, "linear", "8:1 2048");
  put(bytes, 100, 16, "linear", "8:1 0");
  for (std::size_t size = 0; size < sizeof(dm_target_spec); ++size) {
    EXPECT_TRUE(decode_dm_targets(std::span(bytes).first(size), 1).error().is(Errc::kInvalid));
  }
  EXPECT_FALSE(decode_dm_targets(bytes, 3).has_value());
  EXPECT_FALSE(decode_dm_targets({}, 0xFFFFFFFF).has_value());
  for (const std::uint32_t next : {0U, 8U, 0xFFFFFFF8U}) {
    std::memcpy(bytes.data() + offsetof(dm_target_spec, next), &next, sizeof next);
    EXPECT_FALSE(decode_dm_targets(bytes, 2).has_value()) << next;
  }
}

TEST(DmTable, PlacesPastTheLargestOffsetAreErrors) {
  std::vector<std::byte> bytes;
  put(bytes, ~0ULL, 1, "linear", "8:1 0");
  EXPECT_FALSE(decode_dm_targets(bytes, 1).has_value());
}

}  // namespace
}  // namespace pmend::kernel
