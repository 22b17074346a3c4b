// SPDX-License-Identifier: Apache-2.0
#include "medium/trace.hpp"

#include "medium/trace_reader.hpp"
#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace pmend::medium {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TraceRecord record_at(std::uint64_t offset) {
  TraceRecord record;
  record.range = {offset, 512};
  return record;
}

TEST(TraceRecord, HasAFixedLittleEndianForm) {
  const TraceRecord record{Operation::kDiscard, kTraceTouchedPoison | kTraceLied, 5, 0x0102, {0x0304, 0x0506}, 7, 8};
  const auto bytes = encode(record);
  const auto at = [&](std::size_t i) { return std::to_integer<int>(bytes[i]); };
  EXPECT_EQ(at(0), 0xD1);
  EXPECT_EQ(at(1), 3);
  EXPECT_EQ(at(2), 5);
  EXPECT_EQ(at(4), 5);
  EXPECT_EQ(at(8), 2);
  EXPECT_EQ(at(9), 1);
  EXPECT_EQ(at(16), 4);
  EXPECT_EQ(at(17), 3);
  EXPECT_EQ(at(24), 6);
  EXPECT_EQ(at(32), 7);
  EXPECT_EQ(at(40), 8);
  EXPECT_EQ(decode(bytes).value(), record);
}

TEST(TraceRecord, WhatCannotBeOneIsCorrupt) {
  struct {
    std::size_t position;
    int value;
  } const rows[] = {{0, 0x00}, {0, 0xD2}, {1, 0}, {1, 4}, {1, 255}, {23, 0xFF}, {31, 0x80}};
  for (const auto& row : rows) {
    auto bytes = encode(record_at(4096));
    bytes[row.position] = static_cast<std::byte>(row.value);
    const auto record = decode(bytes);
    ASSERT_FALSE(record.has_value()) << row.position;
    EXPECT_TRUE(record.error().is(Errc::kCorrupt));
  }
}

TEST(TraceRecord, PrintsAsOneLine) {
  const TraceRecord record{Operation::kWrite, kTraceTouchedPoison | kTraceLied, 5,   12,
                           {4096, 512},       1'700'000'000'000'000'001,        0xAB};
  EXPECT_EQ(to_string(record),
            "12 write 4096+512 error=EIO flags=poison,lied time=1700000000.000000001 digest=00000000000000ab");
  TraceRecord odd = record;
  odd.error = 4'000'000'000;
  odd.flags = 0;
  EXPECT_THAT(to_string(odd), HasSubstr("error=4000000000 flags=- "));
}

TEST(TraceDigest, IsXxh3) {
  // The value of XXH3-64 for no input and seed 0 in the xxHash specification's test vectors.
  EXPECT_EQ(digest({}), 0x2D06800538D394C2U);
}

class TraceTest : public TemporaryDirectoryTest {
 protected:
  std::string path() const { return directory_ / "trace"; }
  void append_bytes(const std::string& bytes) { std::ofstream(path(), std::ios::app) << bytes; }
};

TEST_F(TraceTest, RecordsAreNumberedAndTimed) {
  auto writer = TraceWriter::open(path());
  ASSERT_TRUE(writer.has_value());
  for (const std::uint64_t offset : {512U, 0U, 1024U}) {
    ASSERT_TRUE(writer->append(record_at(offset)).has_value());
  }
  const auto records = read_trace(path()).value();
  ASSERT_EQ(records.size(), 3U);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(records[i].sequence, i);
    EXPECT_GT(records[i].time_ns, 1'600'000'000'000'000'000U);
  }
  EXPECT_EQ(records[2].range.offset, 1024U);
  EXPECT_EQ(writer->bytes(), 3 * kTraceRecordBytes);
}

TEST_F(TraceTest, NumbersGoOnAfterARestart) {
  ASSERT_TRUE(TraceWriter::open(path())->append(record_at(0)).has_value());
  ASSERT_TRUE(TraceWriter::open(path())->append(record_at(512)).has_value());
  EXPECT_EQ(read_trace(path())->at(1).sequence, 1U);
}

TEST_F(TraceTest, TornLastRecordIsIgnoredAndCutOffByTheNextWriter) {
  ASSERT_TRUE(TraceWriter::open(path())->append(record_at(0)).has_value());
  append_bytes(std::string(47, '\xD1'));
  EXPECT_EQ(read_trace(path())->size(), 1U);
  ASSERT_TRUE(TraceWriter::open(path())->append(record_at(512)).has_value());
  const auto records = read_trace(path()).value();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1].range.offset, 512U);
}

TEST_F(TraceTest, DamagedRecordIsNamed) {
  ASSERT_TRUE(TraceWriter::open(path())->append(record_at(0)).has_value());
  append_bytes(std::string(kTraceRecordBytes, 'x'));
  const auto records = read_trace(path());
  ASSERT_FALSE(records.has_value());
  EXPECT_TRUE(records.error().is(Errc::kCorrupt));
  EXPECT_THAT(records.error().message(), HasSubstr("record 1"));
}

TEST_F(TraceTest, ReadsFromAnyRecordOn) {
  auto writer = TraceWriter::open(path());
  constexpr std::uint64_t kMany = 10'000;  // more than the reader takes at once
  for (std::uint64_t i = 0; i < kMany; ++i) {
    ASSERT_TRUE(writer->append(record_at(i * 512)).has_value());
  }
  EXPECT_EQ(read_trace(path())->size(), kMany);
  EXPECT_EQ(read_trace(path(), kMany - 1)->front().sequence, kMany - 1);
  for (const std::uint64_t first : {kMany, kMany + 1, std::uint64_t{1} << 60U, ~std::uint64_t{0}}) {
    EXPECT_THAT(read_trace(path(), first).value(), IsEmpty()) << first;
  }
}

TEST_F(TraceTest, MissingFileIsAnError) {
  EXPECT_TRUE(read_trace(path()).error().is_errno(ENOENT));
}

}  // namespace
}  // namespace pmend::medium
