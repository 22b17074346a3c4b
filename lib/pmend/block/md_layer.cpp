// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/md_layer.hpp"

#include "pmend/base/text.hpp"

#include <algorithm>
#include <optional>

namespace pmend::block {
namespace {

constexpr std::uint64_t kKiB = 1024;

// Of raid0 with members of different sizes (drivers/md/raid0.c): how the chunks behind the smallest member's end go
// round: counted from the beginning of the array (kernels before 3.14), or of the zone.
enum class Raid0Layout : std::uint64_t { kOriginal = 1, kAlternate = 2 };

struct Member {
  std::uint64_t slot = 0;
  dev_t device = 0;
  ByteRange data;  // bytes of the member
};

std::optional<Member> read_member(const std::string& directory) {
  const auto slot = read_number(directory, "slot");  // "none" of a spare
  const auto number = parse_device_number(read_attribute(directory + "/block", "dev").value_or(""));
  const auto offset = read_number(directory, "offset");
  const auto size = read_number(directory, "size");
  const auto start = offset ? to_bytes({0, *offset}) : tl::make_unexpected(Error());
  // What a member that failed has is what the array once was.
  const bool faulty = read_attribute(directory, "state").value_or("").find("faulty") != std::string::npos;
  if (faulty || !slot || !number || !start || !size || *size > (1ULL << 52U)) {
    return std::nullopt;
  }
  const auto data = make_byte_range(start->length, *size * kKiB);
  return data ? std::optional(Member{*slot, *number, *data}) : std::nullopt;
}

std::vector<Member> read_members(const std::string& md) {
  std::vector<Member> members;
  for (const std::string& name : list_directory(md)) {
    if (name.starts_with("dev-")) {
      if (const auto member = read_member(md + "/" + name)) {
        members.push_back(*member);
      }
    }
  }
  std::ranges::sort(members, {}, &Member::slot);
  return members;
}

std::uint64_t total_of(const std::vector<Segment>& segments) {
  return segments.empty() ? 0 : segments.back().upper_range.end();
}

// One member after the other.
std::vector<Segment> linear(const std::vector<Member>& members) {
  std::vector<Segment> segments;
  for (const Member& member : members) {
    segments.push_back(in_a_row({total_of(segments), member.data.length}, member.device, member.data.offset));
  }
  return segments;
}

std::vector<Segment> mirrors(const std::vector<Member>& members, std::uint64_t array_bytes) {
  std::vector<Segment> segments;
  for (const Member& member : members) {
    if (member.data.length < array_bytes) {
      return {};
    }
    segments.push_back(in_a_row({0, array_bytes}, member.device, member.data.offset));
  }
  return segments;
}

// A zone ends where the smallest of the members that are left does. `layout` counts if there is more than one.
std::vector<Segment> zones(std::vector<Member> members, std::uint64_t chunk, std::uint64_t layout) {
  std::vector<Segment> segments;
  for (std::uint64_t begin = 0; !members.empty();) {
    const std::uint64_t end =
        std::ranges::min(members, {}, [](const Member& one) { return one.data.length; }).data.length;
    Segment zone{{total_of(segments), (end - begin) * members.size()}, chunk, {}};
    const bool turned = !segments.empty() && layout == static_cast<std::uint64_t>(Raid0Layout::kOriginal);
    const std::uint64_t first = turned ? zone.upper_range.offset / chunk % members.size() : 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const Member& member = members[(i + first) % members.size()];
      zone.columns.push_back({member.device, member.data.offset + begin});
    }
    segments.push_back(zone);
    begin = end;
    std::erase_if(members, [end](const Member& one) { return one.data.length <= end; });
  }
  return segments;
}

std::vector<Segment> stripes(std::vector<Member> members, std::uint64_t chunk, std::uint64_t layout) {
  if (chunk == 0) {
    return {};
  }
  for (Member& member : members) {
    member.data.length -= member.data.length % chunk;
  }
  const auto same = [&](const Member& one) { return one.data.length == members.front().data.length; };
  const bool known_layout = layout == static_cast<std::uint64_t>(Raid0Layout::kOriginal) ||
                            layout == static_cast<std::uint64_t>(Raid0Layout::kAlternate);
  const bool none_empty = std::ranges::none_of(members, [](const Member& one) { return one.data.empty(); });
  return none_empty && (known_layout || std::ranges::all_of(members, same)) ? zones(std::move(members), chunk, layout)
                                                                            : std::vector<Segment>();
}

// Nothing where it is not known for certain.
std::vector<Segment> segments_of(const BlockDevice& array, const std::string& md) {
  const auto members = read_members(md);
  const std::uint64_t disks = read_number(md, "raid_disks").value_or(0);
  if (array.md_level == "raid1") {
    return mirrors(members, array.size_bytes);
  }
  if (members.size() != disks) {
    return {};
  }
  const std::uint64_t chunk = read_number(md, "chunk_size").value_or(0);
  auto segments = array.md_level == "linear"  ? linear(members)
                  : array.md_level == "raid0" ? stripes(members, chunk, read_number(md, "layout").value_or(0))
                                              : std::vector<Segment>();
  return total_of(segments) == array.size_bytes ? segments : std::vector<Segment>();
}

}  // namespace

Layer read_md_layer(const BlockDevice& array) {
  const std::string md = array.directory + "/md";
  const bool at_rest = read_attribute(md, "reshape_position").value_or("none") == "none";
  Layer layer;
  if (at_rest) {
    layer.segments = segments_of(array, md);
  }
  if (layer.segments.empty()) {
    layer.unfollowed.push_back({{0, array.size_bytes}, "md " + escape_bytes(array.md_level)});
  }
  return layer;
}

}  // namespace pmend::block
