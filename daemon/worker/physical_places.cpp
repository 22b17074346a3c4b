// SPDX-License-Identifier: Apache-2.0
#include "worker/physical_places.hpp"

#include "pmend/base/text.hpp"
#include "pmend/block/sysfs.hpp"

#include <algorithm>
#include <charconv>

namespace pmend::worker {
namespace {

struct BlockMemory {
  std::string node;
  ByteRange physical;  // of the device's bytes, the first one first
};

// "0x40a00000"
std::optional<std::uint64_t> read_address(const std::string& directory, const std::string& name) {
  const auto text = block::read_attribute(directory, name);
  if (!text || !text->starts_with("0x")) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data() + 2, text->data() + text->size(), value, 16);
  return error == std::errc() && end == text->data() + text->size() ? std::optional(value) : std::nullopt;
}

// Only what has a block device of its own: of a namespace with a pfn device upon it that is the latter, whose resource
// begins behind info block and page structures.
std::optional<BlockMemory> read_block_memory(const std::string& directory) {
  const auto blocks = block::list_directory(directory + "/block");
  const auto start = read_address(directory, "resource");
  const auto size = block::read_number(directory, "size");
  const auto range = start && size ? make_byte_range(*start, *size) : Result<ByteRange>();
  if (blocks.size() != 1 || !range || range->empty()) {
    return std::nullopt;
  }
  return BlockMemory{"/dev/" + blocks.front(), *range};
}

}  // namespace

PlacePhysical place_physical_by_sysfs(const std::string& sysfs) {
  std::vector<BlockMemory> known;
  const std::string devices = sysfs + "/bus/nd/devices";
  for (const std::string& name : block::list_directory(devices)) {
    if (auto memory = read_block_memory(devices + "/" + name)) {
      known.push_back(std::move(*memory));
    }
  }
  return [known](std::uint64_t physical) -> std::optional<protocol::DeviceRange> {
    const auto found = std::ranges::find_if(known, [&](const auto& one) { return one.physical.contains(physical); });
    if (found == known.end()) {
      return std::nullopt;
    }
    const std::uint64_t offset = physical - found->physical.offset;
    return protocol::DeviceRange{found->node, {offset, found->physical.length - offset}};
  };
}

std::vector<protocol::DeviceRange> places_of(const PlacePhysical& place, const ByteRange& physical) {
  constexpr std::uint64_t kStep = 4096;
  std::vector<protocol::DeviceRange> places;
  for (std::uint64_t at = physical.offset; at < physical.end();) {
    const std::uint64_t rest = physical.end() - at;
    const auto found = place(at);
    const std::uint64_t step = std::min(found ? found->device_range.length : kStep - at % kStep, rest);
    if (found) {
      places.push_back({found->device, {found->device_range.offset, step}});
    }
    at += std::max<std::uint64_t>(step, 1);
  }
  return places;
}

}  // namespace pmend::worker
