// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/trace_decoder.hpp"

#include "unit/worker/trace_recordings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace pmend::worker {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TraceDecoder decoder() {
  auto made = TraceDecoder::create(recorded::kHeaderPage);
  EXPECT_TRUE(made->add_format("ras", recorded::kMemoryFailureFormat));
  EXPECT_TRUE(made->add_format("mce", recorded::kMachineCheckFormat));
  EXPECT_TRUE(made->add_format("block", recorded::kBlockErrorFormat));
  EXPECT_TRUE(made->add_format("cxl", recorded::kCxlPoisonFormat));
  return std::move(*made);
}

template <class T>
void put(std::vector<std::byte>& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

TEST(TraceDecoderTest, AMachineCheckIsTwoEvents) {
  const TraceDecoder trace = decoder();
  EXPECT_EQ(trace.page_bytes(), recorded::kPageSize);
  const TracePage page = trace.decode(recorded::page_of(recorded::kMachineCheckPage));
  ASSERT_THAT(page.events, SizeIs(2));
  EXPECT_EQ(std::get<MachineCheck>(page.events[0]), (MachineCheck{0xbd000000000000c0, 0x40a28000, 0x8c, 0}));
  EXPECT_EQ(std::get<MemoryFailure>(page.events[1]),
            (MemoryFailure{0x40a28, "pfn 0x40a28: recovery action for dax page: Recovered"}));
  EXPECT_EQ(page.lost, 0U);
  EXPECT_EQ(page.unreadable, 0U);
}

TEST(TraceDecoderTest, BlockErrorsHaveDiskSectorsErrorAndOperation) {
  const TracePage page = decoder().decode(recorded::page_of(recorded::kBlockErrorPage));
  ASSERT_THAT(page.events, SizeIs(2));
  EXPECT_EQ(std::get<BlockError>(page.events[0]), (BlockError{7, 0, {4096, 8}, EIO, "RA"}));
  EXPECT_EQ(std::get<BlockError>(page.events[1]), (BlockError{7, 0, {4096, 8}, EIO, "R"}));
}

TEST(TraceDecoderTest, FieldsAreFoundWhereTheFormatPutsThem) {
  std::string format = recorded::kMemoryFailureFormat;
  const std::string pfn = "pfn;\toffset:8;";
  format.replace(format.find(pfn), pfn.size(), "pfn;\toffset:16;");
  const std::string type = "type;\toffset:16;";
  format.replace(format.find(type), type.size(), "type;\toffset:8;");
  auto trace = TraceDecoder::create(recorded::kHeaderPage);
  ASSERT_TRUE(trace->add_format("ras", format));
  const TracePage page = trace->decode(recorded::page_of(recorded::kMachineCheckPage));
  ASSERT_THAT(page.events, SizeIs(1));
  EXPECT_EQ(std::get<MemoryFailure>(page.events[0]).page_number, 0x300000011U);
  EXPECT_EQ(page.unreadable, 1U) << "the record whose format nobody gave";
}

TEST(TraceDecoderTest, WhatWasOverwrittenIsCounted) {
  auto bytes = recorded::page_of(recorded::kBlockErrorPage);
  std::uint64_t commit = 0;
  std::memcpy(&commit, bytes.data() + 8, sizeof commit);
  put(bytes, 8, commit | 1ULL << 31U);  // RB_MISSED_EVENTS
  EXPECT_EQ(decoder().decode(bytes).lost, 1U);
  put(bytes, 8, commit | 3ULL << 30U);  // and RB_MISSED_STORED: the count stands behind the events
  put(bytes, 16 + commit, std::uint64_t{17});
  const TracePage page = decoder().decode(bytes);
  EXPECT_EQ(page.lost, 17U);
  EXPECT_THAT(page.events, SizeIs(2));
}

TEST(TraceDecoderTest, AStringBehindTheFieldsIsRead) {
  auto bytes = recorded::page_of("");
  constexpr std::size_t kData = 16;
  put(bytes, 8, std::uint64_t{4 + 36});
  put(bytes, kData, std::uint32_t{9});  // type_len: nine words
  constexpr std::size_t kRecord = kData + 4;
  put(bytes, kRecord, std::uint16_t{1500});
  put(bytes, kRecord + 8, std::uint32_t{28U | 5U << 16U});
  put(bytes, kRecord + 12, std::uint8_t{2});
  put(bytes, kRecord + 16, std::uint64_t{0x1234000});
  put(bytes, kRecord + 24, std::uint32_t{64});
  std::memcpy(bytes.data() + kRecord + 28, "mem0", 5);
  const TracePage page = decoder().decode(bytes);
  ASSERT_THAT(page.events, SizeIs(1));
  EXPECT_EQ(std::get<CxlMediaError>(page.events[0]), (CxlMediaError{0x1234000, 64, "mem0", true, false}));
  put(bytes, kRecord + 8, std::uint32_t{28U | 4000U << 16U});
  EXPECT_THAT(decoder().decode(bytes).events, IsEmpty()) << "a string that reaches beyond its record";
}

TEST(TraceDecoderTest, GarbageIsNoEventAndNoCrash) {
  const TraceDecoder trace = decoder();
  for (const char* recording : {recorded::kMachineCheckPage, recorded::kBlockErrorPage}) {
    const auto good = recorded::page_of(recording);
    for (std::size_t length = 0; length < 0xb0; ++length) {
      trace.decode({good.data(), length});
    }
    for (std::size_t at = 0; at < 0xb0; ++at) {
      for (const unsigned value : {0x00U, 0x1cU, 0x1dU, 0x1eU, 0x1fU, 0x7fU, 0xffU}) {
        auto bytes = good;
        bytes[at] = static_cast<std::byte>(value);
        trace.decode(bytes);
      }
    }
  }
  std::mt19937_64 random(1);
  std::vector<std::byte> bytes(recorded::kPageSize);
  for (int round = 0; round < 200; ++round) {
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
    put(bytes, 8, std::uint64_t{random() % 5000});
    trace.decode(bytes);
  }
}

TEST(TraceDecoderTest, FormatsThatAreNoneAreErrors) {
  EXPECT_FALSE(TraceDecoder::create(""));
  EXPECT_FALSE(TraceDecoder::create("field: nothing"));
  auto trace = decoder();
  EXPECT_FALSE(trace.add_format("ras", ""));
  EXPECT_FALSE(trace.add_format("ras", std::string(5000, '\xff')));
}

}  // namespace
}  // namespace pmend::worker
