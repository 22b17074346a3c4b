// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/topology.hpp"

#include "pmend/base/range_set.hpp"
#include "pmend/base/text.hpp"

#include <algorithm>

namespace pmend::nvdimm {
namespace {

using protocol::PmemMode;

void add_hits_of(const Region& region, const Namespace& name_space, const ByteRange& physical,
                 std::vector<Hit>& found) {
  RangeSet reserved({physical});
  for (const LinearPiece& piece : name_space.map().up(physical)) {
    found.push_back({HitKind::kData, piece.lower_range(), &region, &name_space, piece.upper});
    reserved.erase(piece.lower_range());
  }
  for (const ByteRange& range : reserved.ranges()) {
    found.push_back({HitKind::kReserved, range, &region, &name_space, {}});
  }
}

std::string device_of(const Namespace& name_space) {
  if (!name_space.block.empty()) {
    return ", /dev/" + escape_bytes(name_space.block);
  }
  return name_space.dax_name.empty() ? "" : ", /dev/" + escape_bytes(name_space.dax_name);
}

std::string part_of(const Namespace& name_space) {
  switch (name_space.mode) {
    case PmemMode::kSector:
      return "the translation table or the sectors behind it";
    case PmemMode::kFsdax:
    case PmemMode::kDevdax:
      return "the info block or page structures";
    case PmemMode::kRaw:
      break;
  }
  return "what the kernel keeps for itself";
}

}  // namespace

LinearMap Namespace::map() const {
  if (!data) {
    return {};
  }
  return LinearMap::make({{{0, data->length}, data->offset}}).value_or(LinearMap());
}

std::optional<NamespacePlace> find_namespace(const Topology& topology, const std::string& device_name) {
  if (device_name.empty()) {
    return std::nullopt;
  }
  for (const Bus& bus : topology.buses) {
    for (const Region& region : bus.regions) {
      for (const Namespace& name_space : region.namespaces) {
        if (name_space.block == device_name || name_space.dax_name == device_name) {
          return NamespacePlace{bus, region, name_space};
        }
      }
    }
  }
  return std::nullopt;
}

std::vector<protocol::PmemDimm> dimms_of(const Bus& bus, const Region& region) {
  std::vector<protocol::PmemDimm> dimms;
  for (const std::string& name : region.dimms) {
    const auto known = std::ranges::find(bus.dimms, name, &protocol::PmemDimm::name);
    dimms.push_back(known != bus.dimms.end() ? *known : protocol::PmemDimm{name, "", 0, ""});
  }
  return dimms;
}

std::optional<ByteRange> physical_of(const Region& region, const SectorRange& region_sectors) {
  const auto bytes = to_bytes(region_sectors);
  const auto inside = bytes ? intersect(*bytes, {0, region.physical.length}) : std::nullopt;
  if (!inside) {
    return std::nullopt;
  }
  return ByteRange{region.physical.offset + inside->offset, inside->length};
}

std::optional<SectorRange> region_sectors_of(const Region& region, const ByteRange& physical) {
  const auto inside = intersect(physical, region.physical);
  if (!inside) {
    return std::nullopt;
  }
  return touched_sectors({inside->offset - region.physical.offset, inside->length});
}

std::vector<Hit> hits(const Region& region, const ByteRange& physical) {
  std::vector<Hit> found;
  const auto inside = intersect(physical, region.physical);
  if (!inside) {
    return found;
  }
  RangeSet nobodys({*inside});
  for (const Namespace& name_space : region.namespaces) {
    if (const auto part = intersect(*inside, name_space.physical)) {
      add_hits_of(region, name_space, *part, found);
      nobodys.erase(*part);
    }
  }
  for (const ByteRange& range : nobodys.ranges()) {
    found.push_back({HitKind::kNobody, range, &region, nullptr, {}});
  }
  std::ranges::stable_sort(found, {}, &Hit::physical);
  return found;
}

std::vector<Hit> hits(const Topology& topology, const ByteRange& physical) {
  std::vector<Hit> found;
  for (const Bus& bus : topology.buses) {
    for (const Region& region : bus.regions) {
      std::ranges::move(hits(region, physical), std::back_inserter(found));
    }
  }
  std::ranges::stable_sort(found, {}, &Hit::physical);
  return found;
}

std::string describe(const Hit& hit) {
  if (hit.name_space == nullptr) {
    return "no namespace of " + escape_bytes(hit.region->name);
  }
  const std::string place =
      escape_bytes(hit.name_space->name) + " (" + escape_bytes(hit.region->name) + device_of(*hit.name_space) + ")";
  if (hit.kind == HitKind::kData) {
    return "bytes " + to_string(hit.device_range) + " of " + place;
  }
  if (!hit.name_space->enabled) {  // where its bytes lie is known only while it is enabled
    return "a part of " + place + ", which is disabled";
  }
  return part_of(*hit.name_space) + " of " + place;
}

}  // namespace pmend::nvdimm
