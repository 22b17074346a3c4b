// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/exchange_look.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/getfsmap.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace pmend::repair {
namespace {

// What the plan exchanges of one file, as file ranges.
RangeSet exchanged_of(const Plan& plan, const FileId& file) {
  RangeSet ranges;
  for (const PlannedUnit& planned : plan.units) {
    for (const Mapping& mapping : planned.mappings) {
      if (mapping.file == file) {
        ranges.insert({mapping.file_offset, mapping.device_range.length});
      }
    }
  }
  return ranges;
}

// What is preallocated behind the end of the file comes and goes with its users.
Result<std::string> rest_digest(int fd, const TargetFacts& facts, const RangeSet& exchanged) {
  const ByteRange data = round_out({0, facts.attributes.size}, facts.block_bytes);
  return extents_digest(fd, exchanged.missing(data), kernel::FiemapSync::kNo);
}

// The pieces of the file up to a page around the mapping, where they hold data.
Result<std::vector<Piece>> pieces_around(const Place& place, int fd, const Plan& plan, const Mapping& mapping) {
  const ByteRange own{mapping.file_offset, mapping.device_range.length};
  const std::uint64_t begin = own.offset - std::min(own.offset, kPageBytes);
  std::vector<Piece> found;
  for (const ByteRange& part : exchanged_of(plan, mapping.file).missing({begin, own.end() + kPageBytes - begin})) {
    const auto pieces = pieces_of(fd, place, part);
    if (!pieces) {
      return tl::make_unexpected(pieces.error());
    }
    std::copy_if(pieces->begin(), pieces->end(), std::back_inserter(found),
                 [](const Piece& piece) { return piece.extent.has_device_range() && !piece.extent.is_unwritten(); });
  }
  return found;
}

Result<bool> agrees_around(const Place& place, int fd, const Plan& plan, const Mapping& mapping) {
  const auto pieces = pieces_around(place, fd, plan, mapping);
  if (!pieces) {
    return tl::make_unexpected(pieces.error());
  }
  for (const Piece& piece : *pieces) {
    flush(fd, piece.file_range);
    const auto cached = read_as_applications(fd, piece.file_range, place.read_limit);
    const auto read = read_sectors(place, piece.device_range());
    if (!cached || !read) {
      return tl::make_unexpected(cached ? read.error() : cached.error());
    }
    if (!*cached || !read->all_readable() || **cached != read->bytes) {
      return false;
    }
  }
  return true;
}

// True if the donor's own blocks hold these bytes, read directly.
Result<bool> holds_bytes(int fd, const Place& place, const UnitWork& work, std::uint64_t length) {
  const auto facts = basic_facts(fd);
  const auto pieces = pieces_of(fd, place, {0, length});
  if (!facts || !pieces) {
    return tl::make_unexpected(facts ? pieces.error() : facts.error());
  }
  std::uint64_t known_to = 0;
  for (const Piece& piece : *pieces) {
    if (!piece.extent.has_device_range() || piece.extent.is_unwritten() || piece.file_range.offset != known_to) {
      return false;
    }
    const auto read = read_sectors(place, round_out(piece.device_range(), place.block_bytes));
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    if (!read->all_readable() ||
        !std::equal(read->bytes.begin(), read->bytes.begin() + static_cast<std::ptrdiff_t>(piece.file_range.length),
                    work.rebuilt.begin() + static_cast<std::ptrdiff_t>(known_to))) {
      return false;
    }
    known_to = piece.file_range.end();
  }
  return facts->attributes.size == length && known_to == length;
}

Result<DonorLook> look_at_donor(const UnitWork& work, const Quarantine& quarantine, const Mapping& mapping) {
  DonorLook look{donor_name(mapping, work.spool_key), std::nullopt};
  auto donor = quarantine.open_donor(look.name);
  if (!donor || !*donor) {
    return donor ? Result<DonorLook>(std::move(look)) : tl::make_unexpected(donor.error());
  }
  look.fd = std::move(**donor);
  const auto old = lies_at(look.fd->get(), work.place, 0, mapping.device_range);
  if (!old) {
    return tl::make_unexpected(old.error());
  }
  look.holds_old = *old;
  if (look.holds_old) {
    return look;
  }
  const auto target = open_target(work.place, mapping.file, OpenFor::kReading);
  const auto facts = target ? basic_facts(target->get()) : tl::make_unexpected(target.error());
  const auto complete =
      facts ? holds_bytes(look.fd->get(), work.place, work, data_length(mapping, facts->attributes.size))
            : tl::make_unexpected(facts.error());
  if (!complete) {
    return tl::make_unexpected(complete.error());
  }
  look.complete = *complete;
  return look;
}

}  // namespace

std::vector<FileId> files_of(const Plan& plan) {
  std::vector<FileId> files;
  for (const PlannedUnit& planned : plan.units) {
    for (const Mapping& mapping : planned.mappings) {
      if (std::find(files.begin(), files.end(), mapping.file) == files.end()) {
        files.push_back(mapping.file);
      }
    }
  }
  return files;
}

PlannedUnit as_one_has_it(const PlannedUnit& planned, const Mapping& mapping) {
  return {planned.unit, {mapping}};
}

std::uint64_t data_length(const Mapping& mapping, std::uint64_t file_size) {
  const ByteRange range{mapping.file_offset, mapping.device_range.length};
  return intersect(range, {0, file_size}).value_or(ByteRange()).length;
}

Result<bool> lies_at(int fd, const Place& place, std::uint64_t file_offset, const ByteRange& device_range) {
  const auto pieces = pieces_of(fd, place, {file_offset, device_range.length});
  if (!pieces) {
    return tl::make_unexpected(pieces.error());
  }
  std::uint64_t known_to = 0;
  for (const Piece& piece : *pieces) {
    const bool continues = piece.extent.has_device_range() && !piece.extent.is_unwritten() &&
                           piece.file_range.offset == file_offset + known_to &&
                           piece.device_offset == device_range.offset + known_to;
    if (!continues) {
      return false;
    }
    known_to += piece.file_range.length;
  }
  return known_to == device_range.length;
}

Result<OwnersLook> look_at_owners(const Place& place, const Plan& plan) {
  OwnersLook look;
  std::string attributes;
  std::string extents;
  for (const FileId& file : files_of(plan)) {
    const auto fd = open_target(place, file, OpenFor::kReading);
    const auto facts = fd ? target_facts(place, fd->get()) : tl::make_unexpected(fd.error());
    const auto rest =
        facts ? rest_digest(fd->get(), *facts, exchanged_of(plan, file)) : tl::make_unexpected(facts.error());
    if (!rest) {
      return tl::make_unexpected(rest.error());
    }
    if (attributes.empty()) {
      look.size = facts->attributes.size;
      look.modified = facts->modified;
      look.changed = facts->changed;
    }
    attributes += attributes_digest(*facts) + "\n";
    extents += *rest + "\n";
  }
  look.attributes = sha256_hex(attributes);
  look.extents = sha256_hex(extents);
  return look;
}

Result<std::string> exchange_neighbours(const Place& place, const Plan& plan, std::size_t position) {
  std::string text;
  for (const Mapping& mapping : plan.units[position].mappings) {
    const auto fd = open_target(place, mapping.file, OpenFor::kReading);
    const auto pieces = fd ? pieces_around(place, fd->get(), plan, mapping) : tl::make_unexpected(fd.error());
    if (!pieces) {
      return tl::make_unexpected(pieces.error());
    }
    for (const Piece& piece : *pieces) {
      const auto read = read_sectors(place, piece.device_range());
      if (!read) {
        return tl::make_unexpected(read.error());
      }
      text += to_string(piece.file_range) + " " + to_string(piece.device_range()) + " " + digest_of(*read) + "\n";
    }
  }
  return sha256_hex(text);
}

Result<bool> exchange_neighbours_agree(const Place& place, const Plan& plan, std::size_t position) {
  for (const Mapping& mapping : plan.units[position].mappings) {
    const auto fd = open_target(place, mapping.file, OpenFor::kReading);
    auto agrees = fd ? agrees_around(place, fd->get(), plan, mapping) : tl::make_unexpected(fd.error());
    if (!agrees || !*agrees) {
      return agrees;
    }
  }
  return true;
}

Result<std::optional<std::string>> other_owner(const UnitWork& work) {
  using Other = std::optional<std::string>;
  std::set<std::uint64_t> known;
  for (const Mapping& mapping : work.planned().mappings) {
    known.insert(mapping.file.inode);
  }
  const auto donors = look_at_donors(work);
  if (!donors) {
    return tl::make_unexpected(donors.error());
  }
  for (const DonorLook& donor : *donors) {
    const auto facts = donor.fd ? basic_facts(donor.fd->get()) : Result<TargetFacts>(TargetFacts());
    if (!facts) {
      return tl::make_unexpected(facts.error());
    }
    known.insert(facts->inode);
  }
  const ByteRange& unit = work.planned().unit.device_range;
  const auto records =
      kernel::getfsmap(work.place.mount_fd, {unit.offset - work.place.file_system_offset, unit.length});
  if (!records) {
    return tl::make_unexpected(records.error());
  }
  for (const kernel::FsmapRecord& record : *records) {
    if (record.is_unknown() && work.planned().mappings.size() == 1) {
      continue;
    }
    if (record.is_special()) {
      return Other(kernel::special_owner_name(record.owner));
    }
    if (!known.contains(record.owner) || record.is_attribute_fork() || record.is_extent_map()) {
      return Other("inode " + std::to_string(record.owner));
    }
  }
  return Other();
}

Result<std::vector<DonorLook>> look_at_donors(const UnitWork& work) {
  const auto quarantine = Quarantine::open(work.place);
  if (!quarantine) {
    return tl::make_unexpected(quarantine.error());
  }
  std::vector<DonorLook> donors;
  for (const Mapping& mapping : work.planned().mappings) {
    if (!*quarantine) {
      donors.push_back({donor_name(mapping, work.spool_key), std::nullopt});
      continue;
    }
    auto donor = look_at_donor(work, **quarantine, mapping);
    if (!donor) {
      return tl::make_unexpected(donor.error());
    }
    donors.push_back(std::move(*donor));
  }
  return donors;
}

}  // namespace pmend::repair
