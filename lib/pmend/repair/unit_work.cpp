// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/unit_work.hpp"

#include "pmend/base/text.hpp"
#include "pmend/repair/gates.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace pmend::repair {
namespace {

// Longer than any honest answer, short enough to be waited for.
constexpr std::chrono::milliseconds kFreezeProbeLimit{2000};

struct Neighbour {
  ByteRange file_range;
  ByteRange device_range;
};

// What of the piece lies within a page of the mapping and in no unit.
void add_neighbours(const Piece& piece, const Mapping& mapping, const RangeSet& units, std::vector<Neighbour>& found) {
  const ByteRange& own = mapping.device_range;
  const std::uint64_t begin = own.offset - std::min(own.offset, kPageBytes);
  const auto near = intersect(piece.device_range(), {begin, own.end() + kPageBytes - begin});
  if (!near) {
    return;
  }
  for (const ByteRange& part : units.missing(*near)) {
    found.push_back({{piece.file_range.offset + (part.offset - piece.device_offset), part.length}, part});
  }
}

// What of the piece lies within `near` in the file and in no unit.
void add_neighbours_in_file(const Piece& piece, const ByteRange& near, const RangeSet& units,
                            std::vector<Neighbour>& found) {
  const auto part = intersect(piece.file_range, near);
  if (!part || unusable_extent(piece.extent)) {
    return;
  }
  for (const ByteRange& beside : units.missing(*part)) {
    found.push_back({beside, {piece.device_offset + (beside.offset - piece.file_range.offset), beside.length}});
  }
}

Result<std::vector<Neighbour>> neighbours_of(const Place& place, int fd, const Plan& plan, std::size_t position) {
  const bool moves = plan.units[position].unit.method == Method::kPunch;
  const RangeSet in_file(file_ranges_of(plan));
  RangeSet units;
  for (const PlannedUnit& planned : plan.units) {
    units.insert(planned.unit.device_range);
  }
  std::vector<Neighbour> found;
  for (const Mapping& mapping : plan.units[position].mappings) {
    const std::uint64_t begin = mapping.file_offset - std::min(mapping.file_offset, kPageBytes);
    const std::uint64_t end = mapping.file_offset + mapping.device_range.length + kPageBytes;
    const auto pieces = pieces_of(fd, place, {begin, end - begin});
    if (!pieces) {
      return tl::make_unexpected(pieces.error());
    }
    for (const Piece& piece : *pieces) {
      if (moves) {
        add_neighbours_in_file(piece, {begin, end - begin}, in_file, found);
        continue;
      }
      const bool same_run = piece.extent.has_device_range() && !unusable_extent(piece.extent) &&
                            piece.device_range().overlaps(mapping.device_range);
      if (same_run) {
        add_neighbours(piece, mapping, units, found);
      }
    }
  }
  return found;
}

}  // namespace

Obstacle changed(std::string reason) {
  return Ending{Outcome::kTargetChanged, std::move(reason)};
}

Ending before_change(const Error& error) {
  Ending ending = ending_of(error);
  if (ending.outcome == Outcome::kIndeterminate) {
    ending.outcome = Outcome::kBusyRetry;
  }
  return ending;
}

Obstacle check_gates(const Place& place, int fd, const TargetFacts& facts, Method method) {
  const auto corrupted = hardware_corrupted_kib(place);
  if (!corrupted) {
    return before_change(corrupted.error());
  }
  const auto memory = is_written_in_pages(method) ? std::nullopt : forbidden_memory(place, *corrupted);
  for (auto& reason : {forbidden_place(place), memory, forbidden_file(facts)}) {
    if (reason) {
      return Ending{Outcome::kRefused, *reason};
    }
  }
  const auto frozen = is_frozen(fd, kFreezeProbeLimit);
  if (!frozen) {
    return before_change(frozen.error());
  }
  if (*frozen) {
    return Ending{Outcome::kBusyRetry, "the file system is frozen: a write would wait for its thaw"};
  }
  return std::nullopt;
}

Obstacle check_mapping(const UnitWork& work, int fd) {
  const auto difference = mapping_difference(fd, work.place, work.planned());
  if (!difference) {
    return before_change(difference.error());
  }
  return *difference ? changed(**difference) : std::nullopt;
}

Obstacle check_listed(const UnitWork& work) {
  const auto list = work.place.list();
  if (!list) {
    return before_change(list.error());
  }
  const Unit& unit = work.planned().unit;
  for (std::size_t i = 0; i < unit.sectors.size(); ++i) {
    const ByteRange sector{unit.device_range.offset + i * kSectorBytes, kSectorBytes};
    // A sector beside a bad one that shares its logical block cannot be read either and need not be listed.
    const ByteRange block = round_out(sector, work.place.block_bytes);
    if (unit.sectors[i] != kSectorGood && list->lacks(block)) {
      return changed(to_string(sector) + " is not listed as bad any more");
    }
  }
  return std::nullopt;
}

std::vector<ByteRange> file_ranges_of(const Plan& plan, std::optional<Method> method) {
  RangeSet ranges;
  for (const PlannedUnit& planned : plan.units) {
    for (const Mapping& mapping : planned.mappings) {
      if (!method || planned.unit.method == *method) {
        ranges.insert({mapping.file_offset, mapping.device_range.length});
      }
    }
  }
  return ranges.ranges();
}

std::vector<ByteRange> digest_scope(const Plan& plan) {
  if (is_written_through_file(plan.method)) {
    const RangeSet moved(file_ranges_of(plan, Method::kPunch));
    return moved.missing({0, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())});
  }
  return file_ranges_of(plan);
}

Result<std::string> neighbours_digest(const Place& place, int fd, const Plan& plan, std::size_t position) {
  const auto neighbours = neighbours_of(place, fd, plan, position);
  if (!neighbours) {
    return tl::make_unexpected(neighbours.error());
  }
  std::string text;
  for (const Neighbour& neighbour : *neighbours) {
    const auto read = read_sectors(place, neighbour.device_range);
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    text += to_string(neighbour.device_range) + " " + digest_of(*read) + "\n";
  }
  return sha256_hex(text);
}

void flush(int fd, const ByteRange& file_range) {
  (void)sync_file_range(fd, static_cast<off64_t>(file_range.offset), static_cast<off64_t>(file_range.length),
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

Result<bool> neighbours_agree(const Place& place, int fd, const Plan& plan, std::size_t position) {
  const auto neighbours = neighbours_of(place, fd, plan, position);
  if (!neighbours) {
    return tl::make_unexpected(neighbours.error());
  }
  for (const Neighbour& neighbour : *neighbours) {
    flush(fd, neighbour.file_range);
    const auto cached = read_as_applications(fd, neighbour.file_range, place.read_limit);
    const auto read = read_sectors(place, neighbour.device_range);
    if (!cached || !read) {
      return tl::make_unexpected(cached ? read.error() : cached.error());
    }
    if (!*cached || !read->all_readable() || **cached != read->bytes) {
      return false;
    }
  }
  return true;
}

}  // namespace pmend::repair
