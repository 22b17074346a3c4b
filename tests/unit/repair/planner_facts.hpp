// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/planner.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

// What tests of the planner are made of.
namespace pmend::repair {

inline constexpr FileId kFile{131, 77};
inline constexpr std::uint64_t kDevice = 1U << 20U;  // where the file begins on the device, in one extent
inline constexpr std::uint64_t kSize = 16 * kPageBytes;

inline ByteRange on_device(const ByteRange& file_range) {
  return {kDevice + file_range.offset, file_range.length};
}

// Facts about a file of 16 pages in one extent, in which the ranges of `bad` cannot be read.
class Facts {
 public:
  explicit Facts(std::vector<ByteRange> bad) : bad_(std::move(bad)) {
    facts_.boot_id = "boot";
    facts_.file.attributes.mode = 0100644;
    facts_.file.attributes.size = kSize;
    facts_.file.block_bytes = kPageBytes;
    facts_.file.direct_alignment = 512;
    facts_.list.complete = true;
    place_.device = "/dev/loop0";
    place_.device_id = "loop:x";
    place_.filesystem = {"xfs", "uuid", "", "/mnt"};
    request_.device_id = place_.device_id;
    Owner owner;
    owner.kind = OwnerKind::kFile;
    owner.file = kFile;
    request_.owners = {owner};
    request_.methods = {Method::kRedirty, Method::kRewrite};
    for (const ByteRange& range : bad_) {
      request_.ranges.push_back(on_device(range));
      facts_.list.bad.insert(on_device(range));
    }
  }

  Facts& page(std::uint64_t number, CacheState cache, std::uint64_t count = 1) {
    return extent_page({number * kPageBytes, count * kPageBytes}, cache, 0);
  }
  Facts& extent_page(const ByteRange& range, CacheState cache, std::uint32_t flags) {
    const RangeSet bad(bad_);
    PageFacts page{range, cache, {}, {}};
    const ByteRange data = data_part(range, facts_.file);
    page.pieces.push_back({data, kDevice + data.offset, {0, kDevice, kSize, flags}});
    page.readable.emplace_back();
    for (std::uint64_t at = data.offset; at < data.end(); at += kSectorBytes) {
      page.readable.back().push_back(!bad.overlaps({at, kSectorBytes}));
    }
    facts_.pages.push_back(std::move(page));
    return *this;
  }
  protocol::PlanReply plan() const { return make_plan(place_, request_, facts_); }
  Plan good() const {
    const protocol::PlanReply reply = plan();
    EXPECT_TRUE(reply.plan.has_value()) << reply.refusal->reason;
    return reply.plan.value_or(Plan());
  }
  PlanRefusal refusal() const {
    const protocol::PlanReply reply = plan();
    EXPECT_TRUE(reply.refusal.has_value());
    return reply.refusal.value_or(PlanRefusal());
  }

  PlanFacts& facts() { return facts_; }
  Place& place() { return place_; }
  protocol::PlanRequest& request() { return request_; }

 private:
  std::vector<ByteRange> bad_;
  PlanFacts facts_;
  Place place_;
  protocol::PlanRequest request_;
};

}  // namespace pmend::repair
