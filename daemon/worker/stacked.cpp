// SPDX-License-Identifier: Apache-2.0
#include "worker/stacked.hpp"

#include "pmend/base/range_set.hpp"
#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/block/stack.hpp"
#include "pmend/rmap/locate_file.hpp"
#include "pmend/rmap/unmounted.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace pmend::worker {
namespace {

constexpr unsigned kDeepest = 16;            // layers; nobody stacks so high
constexpr std::size_t kMostPlacesNamed = 8;  // of one owner

void add_detail(Owner& owner, const std::string& more) {
  owner.detail += (owner.detail.empty() ? "" : "; ") + more;
}

std::string shown(const block::BlockDevice& device) {
  return device.dm_name.empty() ? device.name : device.name + " (" + escape_bytes(device.dm_name) + ")";
}

// The owner of the part that `same` has of it, told in places of the lower device; nothing if that has none of it.
std::optional<Owner> seen_from_below(const Owner& owner, const block::SameBytes& same) {
  const auto part = intersect(owner.device_range, same.upper_range);
  if (!part) {
    return std::nullopt;
  }
  Owner below = owner;
  if (below.file_offset) {
    *below.file_offset += part->offset - owner.device_range.offset;
  }
  below.device_range = {same.lower_range.offset + (part->offset - same.upper_range.offset), part->length};
  return below;
}

// A part of a device, and what uses it but is not followed.
struct Note {
  ByteRange device_range;
  std::string text;
};

// What the device that is asked says itself.
struct OwnPart {
  std::vector<ByteRange> ranges;
  std::vector<Note> notes;
  std::map<std::string, std::vector<block::RangeContext>>
      unmounted;  // by node; file systems that can be read as they lie
};

bool can_be_read_unmounted(const block::Volume& volume) {
  return volume.use == block::VolumeUse::kNotMounted && volume.filesystem && volume.filesystem->type.starts_with("ext");
}

class Ascent {
 public:
  Ascent(const Setting& setting, const FactsWanted& wanted) : setting_(setting), wanted_(wanted) {}

  // `way` names the devices gone by already, for people.
  Result<std::vector<Owner>> owners_on(const block::BlockContext& context, const std::vector<ByteRange>& ranges,
                                       const std::string& way, unsigned depth) {
    std::vector<Owner> owners;
    OwnPart here;
    std::vector<block::RangeContext> mounted;
    for (const ByteRange& range : ranges) {
      for (block::RangeContext& piece : block::locate(context, range)) {
        if (piece.volume.use != block::VolumeUse::kMounted) {
          follow_piece(piece, way, depth, owners, here);
          continue;
        }
        here.ranges.push_back(piece.device_range);
        mounted.push_back(std::move(piece));
      }
    }
    for (const auto& [node, pieces] : here.unmounted) {
      add_unmounted(pieces, way, owners, here);
    }
    if (const auto found = add_own(context, here, way, owners); !found) {
      return tl::make_unexpected(found.error());
    }
    add_images(mounted, way, depth, owners);
    std::ranges::stable_sort(owners, {}, [](const Owner& owner) { return owner.device_range.offset; });
    return owners;
  }

 private:
  // What the device itself says of its ranges.
  Status add_own(const block::BlockContext& context, const OwnPart& here, const std::string& way,
                 std::vector<Owner>& owners) {
    if (here.ranges.empty()) {
      return {};
    }
    auto found = find_owners(setting_, context, here.ranges, wanted_);
    if (!found) {
      return tl::make_unexpected(found.error());
    }
    for (protocol::ObservedRange& range : *found) {
      for (Owner& owner : range.owners) {
        if (!way.empty()) {
          add_detail(owner, "by way of " + way);
        }
        for (const Note& note : here.notes) {
          if (note.device_range.overlaps(owner.device_range)) {
            add_detail(owner, note.text);
          }
        }
        owners.push_back(std::move(owner));
      }
    }
    return {};
  }

  // A piece on no mounted file system: owners of what is built upon it; the rest of it goes into `here`.
  void follow_piece(const block::RangeContext& piece, const std::string& way, unsigned depth,
                    std::vector<Owner>& owners, OwnPart& here) {
    RangeSet rest({piece.device_range});
    if (depth < kDeepest) {
      const auto above = block::read_above(setting_.roots, piece.volume.device, piece.volume_range, kernel::dm_table);
      for (const block::Above& one : above.followed) {
        const std::uint64_t start = piece.device_range.offset - piece.volume_range.offset;
        add_above(one, start, way, depth, owners, rest);
      }
      for (const std::string& text : above.unfollowed) {
        here.notes.push_back({piece.device_range, "not followed: " + text});
      }
    }
    for (const ByteRange& range : rest.ranges()) {
      if (can_be_read_unmounted(piece.volume)) {
        here.unmounted[piece.volume.device.node].push_back(part_of(piece, range));
      } else {
        here.ranges.push_back(range);
      }
    }
  }

  static block::RangeContext part_of(const block::RangeContext& piece, const ByteRange& device_range) {
    const std::uint64_t start = piece.device_range.offset - piece.volume_range.offset;
    return {device_range, {device_range.offset - start, device_range.length}, piece.volume};
  }

  // One scan for all pieces of one file system. Where it cannot be read they are what the device itself says.
  void add_unmounted(const std::vector<block::RangeContext>& pieces, const std::string& way, std::vector<Owner>& owners,
                     OwnPart& here) {
    const block::Volume& volume = pieces.front().volume;
    const std::uint64_t start = pieces.front().device_range.offset - pieces.front().volume_range.offset;
    std::vector<ByteRange> ranges;
    for (const block::RangeContext& piece : pieces) {
      ranges.push_back(piece.volume_range);
    }
    const auto fd = open_file(volume.device.node, O_RDONLY);
    const bool elsewhere = block::find_foreign_mount(setting_.roots, volume.device).has_value();
    auto found = fd ? rmap::read_unmounted_ext4({*volume.filesystem, fd->get(), elsewhere, {}}, ranges)
                    : tl::make_unexpected(fd.error());
    for (const block::RangeContext& piece : found ? std::vector<block::RangeContext>() : pieces) {
      here.ranges.push_back(piece.device_range);
      here.notes.push_back({piece.device_range, volume.device.node + ": " + found.error().message()});
    }
    for (Owner& owner : found ? *found : std::vector<Owner>()) {
      owner.device_range.offset += start;
      if (!way.empty()) {
        add_detail(owner, "by way of " + way);
      }
      owners.push_back(std::move(owner));
    }
  }

  // `start`: where the lower volume begins on the device that was asked.
  void add_above(const block::Above& above, std::uint64_t start, const std::string& way, unsigned depth,
                 std::vector<Owner>& owners, RangeSet& rest) {
    std::vector<ByteRange> ranges;
    for (const block::SameBytes& same : above.same) {
      ranges.push_back(same.upper_range);
    }
    const auto context = block::read_block_context(setting_.roots, above.device.node);
    const auto found = context ? owners_on(*context, ranges, joined(way, above.device), depth + 1)
                               : tl::make_unexpected(context.error());
    if (!found) {
      return;  // stays what the device itself says it is: used by that one
    }
    for (const block::SameBytes& same : above.same) {
      for (const Owner& owner : *found) {
        if (auto below = seen_from_below(owner, same)) {
          below->device_range.offset += start;
          rest.erase(below->device_range);
          owners.push_back(std::move(*below));
        }
      }
    }
  }

  // Files that loop devices are made of: whose bytes those are in there.
  void add_images(const std::vector<block::RangeContext>& mounted, const std::string& way, unsigned depth,
                  std::vector<Owner>& owners) {
    if (mounted.empty() || depth >= kDeepest) {
      return;
    }
    std::vector<Owner> inside;
    for (const block::StorageUser& user : block::read_storage_users(setting_.roots)) {
      if (user.kind != block::StorageUserKind::kLoop || !user.file_device) {
        continue;
      }
      for (const Owner& owner : owners) {
        if (is_file_of(owner, mounted, user)) {
          add_image(owner, user, way, depth, inside);
        }
      }
    }
    std::ranges::move(inside, std::back_inserter(owners));
  }

  static bool is_file_of(const Owner& owner, const std::vector<block::RangeContext>& mounted,
                         const block::StorageUser& user) {
    return owner.kind == OwnerKind::kFile && owner.file && owner.file_offset && owner.file->inode == user.inode &&
           std::ranges::any_of(mounted, [&](const block::RangeContext& piece) {
             return piece.device_range.contains(owner.device_range) &&
                    piece.volume.mounts.front().device == *user.file_device;
           });
  }

  void add_image(const Owner& image, const block::StorageUser& user, const std::string& way, unsigned depth,
                 std::vector<Owner>& inside) {
    const auto device = block::read_device(setting_.roots, user.name);
    if (!device || !device->identity.loop) {
      return;
    }
    const std::uint64_t skipped = device->identity.loop->offset;
    const auto common = intersect({*image.file_offset, image.device_range.length}, {skipped, device->size_bytes});
    const auto context = common ? block::read_block_context(setting_.roots, device->node)
                                : Result<block::BlockContext>(fail(Errc::kNotFound, user.name));
    if (!context) {
      return;
    }
    const block::SameBytes same{{image.device_range.offset + (common->offset - *image.file_offset), common->length},
                                {common->offset - skipped, common->length},
                                0};
    const auto found = owners_on(*context, {same.upper_range}, joined(way, *device), depth + 1);
    for (const Owner& owner : found ? *found : std::vector<Owner>()) {
      if (auto below = seen_from_below(owner, same)) {
        inside.push_back(std::move(*below));
      }
    }
  }

  static std::string joined(const std::string& way, const block::BlockDevice& device) {
    return way + (way.empty() ? "" : ", ") + shown(device);
  }

  const Setting& setting_;
  const FactsWanted& wanted_;
};

std::string places_text(const std::vector<block::Bottom>& places) {
  std::string text;
  for (std::size_t i = 0; i < std::min(places.size(), kMostPlacesNamed); ++i) {
    const block::Bottom& place = places[i];
    text += (i == 0 ? "which is " : ", ") + escape_bytes(place.node) + " " +
            to_string(ByteRange{place.offset, place.range.length}) +
            (place.why_not_followed.empty() ? "" : " (" + place.why_not_followed + ")");
  }
  const std::size_t more = places.size() - std::min(places.size(), kMostPlacesNamed);
  return text + (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

// Through a loop device to the blocks of its file.
class BelowFinder {
 public:
  explicit BelowFinder(const Setting& setting) : setting_(setting) {}

  Result<std::vector<block::Bottom>> find(const block::BlockDevice& device, const ByteRange& range, unsigned depth) {
    auto places = block::find_bottom(setting_.roots, device, {range}, kernel::dm_table);
    if (!places || depth >= kDeepest) {
      return places;
    }
    std::vector<block::Bottom> all;
    for (block::Bottom& place : *places) {
      auto deeper = in_file(place, depth);
      if (deeper.empty()) {
        all.push_back(std::move(place));
      }
      std::ranges::move(deeper, std::back_inserter(all));
    }
    return all;
  }

 private:
  // Nothing where it is no loop device over a file whose blocks can be told.
  std::vector<block::Bottom> in_file(const block::Bottom& place, unsigned depth) {
    const auto loop = block::find_device(setting_.roots, place.node);
    if (!loop || !loop->identity.loop || loop->partition || loop->identity.loop->deleted) {
      return {};
    }
    const auto owners = owners_of_file(loop->identity.loop->file);
    if (!owners) {
      return {};
    }
    const block::BlockDevice& device = owners->first;
    const ByteRange in_file{loop->identity.loop->offset + place.offset, place.range.length};
    std::vector<block::Bottom> all;
    for (const Owner& owner : owners->second) {
      const auto part = owner.file_offset ? intersect(in_file, {*owner.file_offset, owner.device_range.length})
                                          : std::optional<ByteRange>();
      if (!part) {
        continue;
      }
      const ByteRange below{owner.device_range.offset + (part->offset - *owner.file_offset), part->length};
      for (block::Bottom deeper : find(device, below, depth + 1).value_or(std::vector<block::Bottom>())) {
        deeper.range.offset += place.range.offset + (part->offset - in_file.offset) - below.offset;
        all.push_back(std::move(deeper));
      }
    }
    return all;
  }

  std::optional<std::pair<block::BlockDevice, std::vector<Owner>>> owners_of_file(const std::string& path) {
    const auto context = context_of_file(setting_, path);
    if (!context || context->whole.use != block::VolumeUse::kMounted) {
      return std::nullopt;
    }
    auto owners = rmap::locate_file(mounted(context->whole), path, {});
    return owners ? std::optional(std::pair(context->device, std::move(*owners))) : std::nullopt;
  }

  const Setting& setting_;
};

}  // namespace

Result<std::vector<Owner>> find_stacked_owners(const Setting& setting, const block::BlockContext& context,
                                               const std::vector<ByteRange>& ranges, const FactsWanted& wanted) {
  return Ascent(setting, wanted).owners_on(context, ranges, "", 0);
}

void add_places_below(const Setting& setting, const block::BlockDevice& device, std::vector<Owner>& owners) {
  BelowFinder finder(setting);
  for (Owner& owner : owners) {
    const auto places = finder.find(device, owner.device_range, 0);
    const bool itself = places && places->size() == 1 && places->front().node == device.node &&
                        places->front().why_not_followed.empty();
    if (!itself) {
      add_detail(owner, places ? places_text(*places) : "where that is: " + places.error().message());
    }
  }
}

}  // namespace pmend::worker
