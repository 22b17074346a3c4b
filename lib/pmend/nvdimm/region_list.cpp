// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/region_list.hpp"

namespace pmend::nvdimm {
namespace {

DeviceList list_of(const Region& region, const Namespace& name_space, const RangeSet& bad, bool complete) {
  DeviceList list{name_space.block, {}, complete};
  std::uint64_t known_to = region.physical.offset;
  for (const ByteRange& range : bad.ranges()) {
    const ByteRange physical{region.physical.offset + range.offset, range.length};
    known_to = physical.end();
    for (const LinearPiece& piece : name_space.map().up(physical)) {
      list.device_ranges.push_back(piece.upper);
    }
  }
  list.complete = complete || name_space.data->end() <= known_to;
  return list;
}

bool has_list(const Namespace& name_space) {
  return name_space.data && !name_space.block.empty();
}

}  // namespace

RegionList translate(const Region& region, const RangeSet& bad, bool complete) {
  RegionList lists;
  for (const Namespace& name_space : region.namespaces) {
    if (has_list(name_space)) {
      lists.devices.push_back(list_of(region, name_space, bad, complete));
    }
  }
  for (const ByteRange& range : bad.common({0, region.physical.length})) {
    for (const Hit& hit : hits(region, {region.physical.offset + range.offset, range.length})) {
      if (hit.kind != HitKind::kData || !has_list(*hit.name_space)) {
        lists.elsewhere.push_back(to_string(hit.physical) + " (physical address) is bad: " + describe(hit));
      }
    }
  }
  return lists;
}

}  // namespace pmend::nvdimm
