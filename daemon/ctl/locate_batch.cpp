// SPDX-License-Identifier: Apache-2.0
#include "ctl/locate_batch.hpp"

#include "ctl/understand.hpp"
#include "pmend/base/range_set.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace pmend::ctl {
namespace {

// Of device that is asked for at once: with one owner a block its answer still fits into what a worker may answer.
constexpr std::uint64_t kMostBytes = 64U << 20U;

// The answer to the question about one device, or why there is none.
using DeviceAnswer = tl::expected<protocol::LocateReply, std::string>;

// The owner as if only `range` had been asked for; nothing if it has none of it.
std::optional<Owner> cut_to(const Owner& owner, const ByteRange& range) {
  const auto part = intersect(owner.device_range, range);
  if (!part) {
    return std::nullopt;
  }
  Owner cut = owner;
  if (cut.file_offset) {
    *cut.file_offset += part->offset - owner.device_range.offset;
  }
  cut.device_range = *part;
  return cut;
}

void take_answer(LineAnswer& answer, const DeviceAnswer& reply) {
  if (!reply) {
    answer.error = reply.error();
    return;
  }
  const ByteRange& range = answer.where->range;
  if (const ByteRange whole{0, reply->device.size}; !whole.contains(range)) {
    answer.error = to_string(range) + " reaches beyond the end of " + answer.where->device + ", which has " +
                   std::to_string(whole.length) + " bytes";
    return;
  }
  // They are in order, but where an extent is shared several begin at the same place: so only the end can be searched.
  const auto end = std::ranges::lower_bound(reply->owners, range.end(), {},
                                            [](const Owner& owner) { return owner.device_range.offset; });
  for (auto it = reply->owners.begin(); it != end; ++it) {
    if (auto owner = cut_to(*it, range)) {
      answer.owners.push_back(std::move(*owner));
    }
  }
  answer.bad = RangeSet(reply->bad).common(range);
  if (answer.owners.empty()) {
    answer.error = "nothing was answered of " + to_string(range) + " of " + answer.where->device;
  }
}

}  // namespace

void LocateBatch::add(std::uint64_t line, tl::expected<DeviceRange, std::string> where) {
  bytes_ += where ? std::min(where->range.length, kMostBytes) : 0;
  lines_.push_back({line, std::move(where)});
}

bool LocateBatch::full() const {
  return lines_.size() >= protocol::kMostLocateRanges || bytes_ >= kMostBytes;
}

Asked<std::vector<LineAnswer>> LocateBatch::ask(Locator& locator) {
  const std::vector<Line> lines = std::exchange(lines_, {});
  bytes_ = 0;
  std::map<std::string, RangeSet> wanted;
  for (const Line& line : lines) {
    if (line.where) {
      wanted[line.where->device].insert(line.where->range);
    }
  }
  std::map<std::string, DeviceAnswer> answers;
  for (const auto& [device, ranges] : wanted) {
    const auto reply = locator.ranges(device, ranges.ranges());
    auto understood = reply ? understand<protocol::LocateReply>(*reply) : tl::make_unexpected(reply.error());
    if (!understood && understood.error().status != kExitFailed && understood.error().status != kExitNotFound) {
      return tl::make_unexpected(understood.error());
    }
    answers.emplace(device, understood ? DeviceAnswer(std::move(*understood))
                                       : DeviceAnswer(tl::make_unexpected(understood.error().text)));
  }
  std::vector<LineAnswer> all;
  for (const Line& line : lines) {
    LineAnswer answer{.line = line.number};
    if (line.where) {
      answer.where = *line.where;
      take_answer(answer, answers.at(line.where->device));
    } else {
      answer.error = line.where.error();
    }
    all.push_back(std::move(answer));
  }
  return all;
}

}  // namespace pmend::ctl
