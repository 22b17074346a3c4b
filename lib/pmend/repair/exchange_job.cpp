// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/exchange_job.hpp"

#include "pmend/base/text.hpp"
#include "pmend/repair/exchange_look.hpp"
#include "pmend/repair/lease.hpp"
#include "pmend/repair/methods/exchange.hpp"

#include <algorithm>
#include <set>

namespace pmend::repair {
namespace {

// Users of a file may write to it while it is compared with the medium.
constexpr int kLooksAtFile = 5;

Obstacle bad_plan(std::string reason) {
  return Ending{Outcome::kRefused, std::move(reason)};
}

// Gates, mapping and bytes of a unit as one of its files has it.
tl::expected<Salvaged, Ending> salvage_for(const Place& place, const PlannedUnit& planned, const Mapping& mapping) {
  const auto fd = open_target(place, mapping.file, OpenFor::kReading);
  const auto facts = fd ? target_facts(place, fd->get()) : tl::make_unexpected(fd.error());
  if (!facts) {
    return tl::make_unexpected(before_change(facts.error()));
  }
  if (auto obstacle = check_gates(place, fd->get(), *facts, Method::kExchange)) {
    return tl::make_unexpected(*obstacle);
  }
  const auto old = lies_at(fd->get(), place, mapping.file_offset, mapping.device_range);
  auto salvaged = salvage(place, fd->get(), as_one_has_it(planned, mapping));
  if (!old || !salvaged) {
    return tl::make_unexpected(before_change(old ? salvaged.error() : old.error()));
  }
  if (!*old) {
    return tl::make_unexpected(*changed("the file does not have " + to_string(mapping.device_range) + " any more"));
  }
  // Behind its end a file has zeros, whatever the device holds there.
  const std::uint64_t length = data_length(mapping, facts->attributes.size);
  std::fill(salvaged->bytes.begin() + static_cast<std::ptrdiff_t>(length), salvaged->bytes.end(), std::byte{0});
  return std::move(*salvaged);
}

// All files of a unit have the same bytes; their ends may be at different places in it.
tl::expected<Salvaged, Ending> salvage_unit(const Place& place, const PlannedUnit& planned) {
  std::optional<Salvaged> longest;
  for (const Mapping& mapping : planned.mappings) {
    auto salvaged = salvage_for(place, planned, mapping);
    if (!salvaged) {
      return salvaged;
    }
    if (salvaged->sectors.find_first_not_of(kSectorGood) == std::string::npos) {
      return tl::make_unexpected(Ending{Outcome::kUnnecessary, "all sectors can be read again"});
    }
    if (auto difference = sectors_difference(planned.unit.sectors, salvaged->sectors)) {
      return tl::make_unexpected(*changed(*difference));
    }
    if (!longest || salvaged->bytes > longest->bytes) {
      longest = std::move(*salvaged);
    }
  }
  return std::move(*longest);
}

SpoolIndex index_from(const protocol::RepairRequest& request, const OwnersLook& owners) {
  SpoolIndex index;
  index.job = request.job;
  index.plan_hash = request.plan_hash;
  index.attributes = owners.attributes;
  index.size = owners.size;
  index.extents = owners.extents;
  index.modified = owners.modified;
  index.changed = owners.changed;
  return index;
}

// What applications read of a mapping, and what the device has there.
struct Compared {
  bool readable = false;
  bool same = false;     // both the same
  bool planned = false;  // and the bytes that the plan wanted
};

Result<Compared> compare_once(const UnitWork& work, const Mapping& mapping, int fd) {
  const auto facts = basic_facts(fd);
  if (!facts) {
    return tl::make_unexpected(facts.error());
  }
  const ByteRange range{mapping.file_offset, data_length(mapping, facts->attributes.size)};
  if (range.empty()) {
    return Compared{};
  }
  flush(fd, range);
  const auto cached = read_as_applications(fd, range, work.place.read_limit);
  const auto pieces = pieces_of(fd, work.place, range);
  if (!cached || !pieces) {
    return tl::make_unexpected(cached ? pieces.error() : cached.error());
  }
  std::vector<std::byte> direct(range.length);
  for (const Piece& piece : *pieces) {
    const auto read = read_sectors(work.place, round_out(piece.device_range(), work.place.block_bytes));
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    if (!read->all_readable()) {
      return Compared{};
    }
    if (!piece.extent.is_unwritten()) {
      std::copy_n(read->bytes.begin(), piece.file_range.length,
                  direct.begin() + static_cast<std::ptrdiff_t>(piece.file_range.offset - range.offset));
    }
  }
  const bool same = *cached && **cached == direct;
  return Compared{true, same, same && std::equal(direct.begin(), direct.end(), work.rebuilt.begin())};
}

// True if applications read what the device has, and that is the plan's unless users may have written.
Result<bool> reads_back(const UnitWork& work, const Mapping& mapping, bool others_wrote) {
  const auto fd = open_target(work.place, mapping.file, OpenFor::kReading);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  for (int i = 0; i < kLooksAtFile; ++i) {
    const auto compared = compare_once(work, mapping, fd->get());
    if (!compared) {
      return tl::make_unexpected(compared.error());
    }
    if (compared->planned || (others_wrote && compared->same)) {
      return true;
    }
  }
  return false;
}

Status prove_unit(const UnitWork& work, bool others_wrote, JobProof& result) {
  const auto list = work.place.list();
  const auto neighbours = exchange_neighbours(work.place, work.plan, work.position);
  if (!list || !neighbours) {
    return tl::make_unexpected(list ? neighbours.error() : list.error());
  }
  const bool unlisted = list->lacks(work.planned().unit.device_range);
  const auto kept = unlisted ? Result<bool>(true) : is_quarantined(work);
  const auto around = *neighbours == work.before().neighbours || !others_wrote
                          ? Result<bool>(*neighbours == work.before().neighbours)
                          : exchange_neighbours_agree(work.place, work.plan, work.position);
  if (!kept || !around) {
    return tl::make_unexpected(kept ? around.error() : kept.error());
  }
  if (!*kept) {
    result.problem = "the bad block is listed and not in quarantine";
  }
  result.proof.badblocks_clear = result.proof.badblocks_clear && unlisted;
  result.proof.neighbours_unchanged = result.proof.neighbours_unchanged && *around;
  for (const Mapping& mapping : work.planned().mappings) {
    const auto back = reads_back(work, mapping, others_wrote);
    if (!back) {
      return tl::make_unexpected(back.error());
    }
    result.proof.read_back = result.proof.read_back && *back;
  }
  return {};
}

void add_to(std::string& problems, bool holds, const char* problem) {
  if (!holds) {
    problems += (problems.empty() ? "" : "; ") + std::string(problem);
  }
}

}  // namespace

Obstacle check_exchange_unit(const PlannedUnit& planned, const Place& place) {
  const ByteRange& range = planned.unit.device_range;
  std::set<std::pair<FileId, std::uint64_t>> places;
  for (const Mapping& mapping : planned.mappings) {
    if (mapping.device_range != range || mapping.file_offset % kPageBytes != 0 ||
        !places.emplace(mapping.file, mapping.file_offset).second) {
      return bad_plan("a file does not have all of a unit, or has it twice");
    }
  }
  const bool whole = range.length % kPageBytes == 0 && range.offset % place.block_bytes == 0;
  if (!whole || range.end() > place.device_bytes || !are_sectors(planned.unit.sectors, range.length)) {
    return bad_plan("a unit is not made of whole pages");
  }
  if (planned.unit.method != Method::kExchange || planned.mappings.empty()) {
    return bad_plan("a plan that exchanges blocks of files does nothing else");
  }
  if (planned.unit.sectors.find(kSectorRestored) != std::string::npos) {
    return bad_plan("the plan wants bytes of a restore hook, which this program does not take");
  }
  return std::nullopt;
}

tl::expected<Spool, Ending> prepare_exchange(const protocol::RepairRequest& request, const Place& place,
                                             const std::string& spool_directory) {
  remove_forgotten_donors(place, spool_directory);
  const auto owners = look_at_owners(place, request.plan);
  if (!owners) {
    return tl::make_unexpected(before_change(owners.error()));
  }
  SpoolIndex index = index_from(request, *owners);
  std::vector<Spool::Bytes> bytes;
  for (std::size_t i = 0; i < request.plan.units.size(); ++i) {
    auto salvaged = salvage_unit(place, request.plan.units[i]);
    if (!salvaged) {
      return tl::make_unexpected(salvaged.error());
    }
    const auto neighbours = exchange_neighbours(place, request.plan, i);
    if (!neighbours) {
      return tl::make_unexpected(before_change(neighbours.error()));
    }
    bytes.push_back(std::move(salvaged->bytes));
    index.units.push_back({request.plan.units[i].unit,
                           sha256_hex({reinterpret_cast<const char*>(bytes.back().data()), bytes.back().size()}),
                           *neighbours});
  }
  auto spool = Spool::create(spool_directory, request.spool_key, index, bytes);
  if (!spool) {
    return tl::make_unexpected(before_change(spool.error()));
  }
  return std::move(*spool);
}

Result<JobProof> prove_exchange(const std::vector<UnitWork>& work, std::optional<FileTime> own_time) {
  const UnitWork& first = work.front();
  const auto owners = look_at_owners(first.place, first.plan);
  if (!owners) {
    return tl::make_unexpected(owners.error());
  }
  // Only where nobody else had the file is its time known to be ours.
  const bool others_wrote = !own_time || (owners->modified != *own_time && owners->modified != first.index.modified);
  JobProof result;
  Proof& proof = result.proof;
  proof.badblocks_clear = proof.read_back = proof.neighbours_unchanged = true;
  proof.extents_before = first.index.extents;
  proof.extents_after = owners->extents;
  proof.attributes_unchanged =
      owners->attributes == first.index.attributes && (others_wrote || owners->size == first.index.size);
  for (const UnitWork& unit : work) {
    if (auto proven = prove_unit(unit, others_wrote, result); !proven) {
      return tl::make_unexpected(proven.error());
    }
  }
  add_to(result.problem, proof.read_back, "not all bytes read back as they must");
  add_to(result.problem, proof.neighbours_unchanged, "bytes around the units are not what they were");
  add_to(result.problem, others_wrote || proof.extents_before == proof.extents_after,
         "the file's extents changed beside the units");
  add_to(result.problem, proof.attributes_unchanged, "mode, owner, size or extended attributes changed");
  return result;
}

}  // namespace pmend::repair
