// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/stack.hpp"

#include "pmend/base/text.hpp"
#include "pmend/block/dm_layer.hpp"
#include "pmend/block/md_layer.hpp"
#include "pmend/block/storage_users.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <optional>

namespace pmend::block {
namespace {

// Nobody stacks so high; who seems to is not followed further.
constexpr unsigned kMostLayers = 16;

std::optional<dev_t> backing_device(const LoopBacking& loop) {
  struct stat status = {};
  const bool is_device = !loop.deleted && stat(loop.file.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
  return is_device ? std::optional(status.st_rdev) : std::nullopt;
}

Layer loop_layer(const BlockDevice& device) {
  Layer layer;
  const LoopBacking& loop = *device.identity.loop;
  if (const auto below = backing_device(loop); below && make_byte_range(loop.offset, device.size_bytes)) {
    layer.segments.push_back(in_a_row({0, device.size_bytes}, *below, loop.offset));
  }
  return layer;
}

Result<Layer> partition_layer(const SystemRoots& roots, const BlockDevice& device) {
  const auto disk = read_device(roots, device.partition->disk);
  if (!disk) {
    return tl::make_unexpected(disk.error());
  }
  return Layer{{in_a_row({0, device.size_bytes}, disk->number, device.partition->disk_range.offset)}, {}};
}

// Goes down from one device.
class Descent {
 public:
  Descent(const SystemRoots& roots, const DmTables& tables) : roots_(roots), tables_(tables) {}

  // `range` of the device is `asked` of the one that was asked for.
  Status follow(const BlockDevice& device, const ByteRange& range, const ByteRange& asked, unsigned layers) {
    const auto layer =
        layers < kMostLayers ? read_layer(roots_, device, tables_) : fail(Errc::kUnsupported, "more than 16 layers");
    if (!layer) {
      return end(device, range, asked, layer.error().message());
    }
    for (const Unfollowed& part : layer->unfollowed) {
      if (const auto common = intersect(part.upper_range, range)) {
        if (const auto ended = end(device, *common, shifted(*common, range, asked), part.why); !ended) {
          return ended;
        }
      }
    }
    if (layer->segments.empty() && layer->unfollowed.empty()) {
      return end(device, range, asked, "");
    }
    const auto pieces = to_lower(*layer, range);
    if (!pieces) {
      return tl::make_unexpected(pieces.error());
    }
    for (const SameBytes& same : *pieces) {
      const auto below = read_device(roots_, same.lower_device);
      const ByteRange of_asked = shifted(same.upper_range, range, asked);
      const auto followed = below ? follow(*below, same.lower_range, of_asked, layers + 1)
                                  : end(device, same.upper_range, of_asked, below.error().message());
      if (!followed) {
        return followed;
      }
    }
    return {};
  }

  std::vector<Bottom> take() {
    std::ranges::sort(bottom_);
    return std::move(bottom_);
  }

 private:
  static ByteRange shifted(const ByteRange& part, const ByteRange& range, const ByteRange& asked) {
    return {asked.offset + (part.offset - range.offset), part.length};
  }

  Status end(const BlockDevice& device, const ByteRange& range, const ByteRange& asked, const std::string& why) {
    if (bottom_.size() == kMostPieces) {
      return fail(Errc::kIncomplete, "more than " + std::to_string(kMostPieces) + " pieces: ask for less");
    }
    bottom_.push_back({asked, device.node, range.offset, why});
    return {};
  }

  const SystemRoots& roots_;
  const DmTables& tables_;
  std::vector<Bottom> bottom_;
};

std::string shown_name(const BlockDevice& device) {
  return device.dm_name.empty() ? device.name : device.name + " (" + escape_bytes(device.dm_name) + ")";
}

void add_above(AllAbove& above, const SystemRoots& roots, const std::string& name, const BlockDevice& lower,
               const ByteRange& range, const DmTables& tables) {
  auto device = read_device(roots, name);
  const auto layer = device ? read_layer(roots, *device, tables) : tl::make_unexpected(device.error());
  auto same = layer ? to_upper(*layer, lower.number, range) : tl::make_unexpected(layer.error());
  if (!same) {
    above.unfollowed.push_back(name + " (" + same.error().message() + ")");
    return;
  }
  for (const Unfollowed& part : layer->unfollowed) {
    above.unfollowed.push_back(shown_name(*device) + ": " + part.why);
  }
  if (!same->empty()) {
    above.followed.push_back({std::move(*device), std::move(*same)});
  }
}

}  // namespace

Result<Layer> read_layer(const SystemRoots& roots, const BlockDevice& device, const DmTables& tables) {
  if (device.partition) {
    return partition_layer(roots, device);
  }
  if (!device.dm_name.empty()) {
    const auto table = tables(device.number);
    return table ? Result<Layer>(layer_of_dm(*table)) : tl::make_unexpected(table.error());
  }
  if (!device.md_level.empty()) {
    return read_md_layer(device);
  }
  return device.identity.loop ? loop_layer(device) : Layer{};
}

AllAbove read_above(const SystemRoots& roots, const BlockDevice& device, const ByteRange& range,
                    const DmTables& tables) {
  AllAbove above;
  for (const std::string& name : device.holders) {
    add_above(above, roots, name, device, range, tables);
  }
  for (const StorageUser& user : read_storage_users(roots)) {
    if (user.kind == StorageUserKind::kLoop && user.uses_device(device.number)) {
      add_above(above, roots, user.name, device, range, tables);
    }
  }
  return above;
}

Result<std::vector<Bottom>> find_bottom(const SystemRoots& roots, const BlockDevice& device,
                                        const std::vector<ByteRange>& ranges, const DmTables& tables) {
  Descent descent(roots, tables);
  for (const ByteRange& range : ranges) {
    if (const auto followed = descent.follow(device, range, range, 0); !followed) {
      return tl::make_unexpected(followed.error());
    }
  }
  return descent.take();
}

}  // namespace pmend::block
