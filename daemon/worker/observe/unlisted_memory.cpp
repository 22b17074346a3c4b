// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/unlisted_memory.hpp"

#include "pmend/model/json_fields.hpp"
#include "pmend/repair/sectors.hpp"
#include "worker/lists.hpp"
#include "worker/observe/xfs_health.hpp"
#include "worker/places.hpp"

#include <algorithm>

namespace pmend::worker {
namespace {

using repair::kPageBytes;

// An event has to fit into a message.
constexpr std::size_t kMostUnlisted = 1000;

// The sectors of a page that cannot be read.
void add_unreadable(const repair::Place& device, const ByteRange& page, RangeSet& unreadable) {
  const auto read = repair::read_sectors(device, page);
  for (std::size_t i = 0; read && i < read->readable.size(); ++i) {
    if (!read->readable[i]) {
      unreadable.insert({page.offset + i * kSectorBytes, kSectorBytes});
    }
  }
}

Result<MediaErrorList> unlisted_on(const Setting& setting, const std::string& node, const std::string& source,
                                   const RangeSet& suspects) {
  const auto context = block::read_block_context(setting.roots, node);
  const auto where = context ? list_of(setting, context->device, context->device_id) : std::nullopt;
  if (!where) {
    return context ? Result<MediaErrorList>(fail(Errc::kNotFound, "list of " + node))
                   : tl::make_unexpected(context.error());
  }
  const auto device = open_device(*context);
  const auto list = device ? read_bad_list(*where, context->device.size_bytes) : tl::make_unexpected(device.error());
  if (!list) {
    return tl::make_unexpected(list.error());
  }
  RangeSet unreadable;
  for (const ByteRange& range : suspects.common({0, context->device.size_bytes & ~(kPageBytes - 1)})) {
    const ByteRange pages = round_out(range, kPageBytes);
    for (std::uint64_t at = pages.offset; list->complete && at < pages.end(); at += kPageBytes) {
      const ByteRange page{at, kPageBytes};
      // A page of which something is listed is an incident by that.
      if (!list->bad.overlaps(page) && unreadable.ranges().size() < kMostUnlisted) {
        add_unreadable(device->place, page, unreadable);
      }
    }
  }
  return MediaErrorList{node, context->device_id, source, unreadable.ranges(), list->complete};
}

}  // namespace

template <class Fields, ConstOr<UnlistedMemory> T>
void describe(Fields& field, T& unlisted) {
  field("lists", unlisted.lists);
  field("outside", unlisted.outside);
}
Json to_json(const UnlistedMemory& unlisted) {
  return write_fields(unlisted);
}
void read_json(const JsonReader& in, UnlistedMemory& unlisted) {
  read_fields(in, unlisted);
}

UnlistedMemory find_unlisted(const Setting& setting, const PlacePhysical& place, const SuspectMemory& suspects) {
  UnlistedMemory found;
  const auto look_at = [&](const std::string& source, const std::map<std::string, RangeSet>& by_node) {
    for (const auto& [node, ranges] : by_node) {
      if (suspects.by_node.contains(node) && !ranges.empty()) {
        found.lists.push_back(
            unlisted_on(setting, node, source, ranges).value_or(MediaErrorList{node, "", source, {}, false}));
      }
    }
  };
  for (const auto& [source, memory] : suspects.physical) {
    std::map<std::string, RangeSet> by_node;
    for (const ByteRange& range : memory.ranges()) {
      std::uint64_t placed = 0;
      for (const protocol::DeviceRange& piece : places_of(place, range)) {
        by_node[piece.device].insert(piece.device_range);
        placed += piece.device_range.length;
      }
      found.outside += (range.length - placed + kPageBytes - 1) / kPageBytes;
    }
    look_at(source, by_node);
  }
  look_at(kXfsHealth, suspects.by_node);
  return found;
}

}  // namespace pmend::worker
