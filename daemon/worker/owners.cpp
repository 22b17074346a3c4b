// SPDX-License-Identifier: Apache-2.0
#include "worker/owners.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace pmend::worker {
namespace {

using protocol::ObservedRange;

// The reverse map counts from the start of the volume, everybody else from the start of the device.
void shift(ObservedRange& range, std::uint64_t volume_offset) {
  range.device_range.offset += volume_offset;
  for (Owner& owner : range.owners) {
    owner.device_range.offset += volume_offset;
  }
}

// All pieces on one mounted file system are one question: where it takes a scan of all inodes, one scan.
Result<std::vector<ObservedRange>> ask_file_system(const Setting& setting,
                                                   const std::vector<block::RangeContext>& pieces,
                                                   const FactsWanted& wanted) {
  std::vector<ByteRange> ranges;
  for (const block::RangeContext& piece : pieces) {
    ranges.push_back(piece.volume_range);
  }
  rmap::ResolveOptions options;
  options.facts = wanted.facts;
  options.names_limit = wanted.names_limit;
  options.proc = setting.roots.proc;
  const auto resolver = rmap::make_owner_resolver({index_directory(setting.options), setting.config.index_mib << 20U});
  auto owned = resolver->resolve(mounted(pieces.front().volume), ranges, options);
  if (!owned) {
    return tl::make_unexpected(owned.error());
  }
  std::vector<ObservedRange> answer;
  for (rmap::OwnedRange& range : *owned) {
    ObservedRange observed;
    observed.device_range = range.device_range;
    observed.owners = std::move(range.owners);
    observed.evidence = std::move(range.evidence);
    shift(observed, pieces.front().device_range.offset - pieces.front().volume_range.offset);
    answer.push_back(std::move(observed));
  }
  return answer;
}

ObservedRange without_file_system(const block::RangeContext& piece, std::string why_unknown = {}) {
  ObservedRange observed;
  observed.device_range = piece.device_range;
  Owner owner = block::owner_of(piece);
  if (!why_unknown.empty()) {
    owner.kind = OwnerKind::kUnknown;
    owner.detail = std::move(why_unknown);
  }
  observed.owners = {std::move(owner)};
  observed.evidence = {"block"};
  return observed;
}

}  // namespace

rmap::MountedFileSystem mounted(const block::Volume& volume) {
  return {*volume.filesystem, volume.mounts.front().device, volume.device.node};
}

Result<std::vector<ObservedRange>> find_owners(const Setting& setting, const block::BlockContext& context,
                                               const std::vector<ByteRange>& ranges, const FactsWanted& wanted) {
  std::vector<ObservedRange> answer;
  std::map<dev_t, std::vector<block::RangeContext>> on_file_systems;
  for (const ByteRange& range : ranges) {
    for (block::RangeContext& piece : block::locate(context, range)) {
      if (piece.volume.use == block::VolumeUse::kMounted) {
        on_file_systems[piece.volume.device.number].push_back(std::move(piece));
      } else {
        answer.push_back(without_file_system(piece));
      }
    }
  }
  for (const auto& [number, pieces] : on_file_systems) {
    const auto found = ask_file_system(setting, pieces, wanted);
    for (const block::RangeContext& piece : found ? std::vector<block::RangeContext>() : pieces) {
      answer.push_back(without_file_system(piece, found.error().message()));
    }
    answer.insert(answer.end(), found ? found->begin() : answer.end(), found ? found->end() : answer.end());
  }
  std::ranges::sort(answer, {}, [](const ObservedRange& range) { return range.device_range.offset; });
  return answer;
}

}  // namespace pmend::worker
