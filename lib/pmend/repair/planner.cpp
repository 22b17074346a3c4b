// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/planner.hpp"

#include "pmend/repair/gates.hpp"
#include "pmend/repair/unit_work.hpp"

#include <algorithm>

namespace pmend::repair {
namespace {

using protocol::PlanReply;
using protocol::PlanRequest;

// A refusal on the way, or nothing.
using Refused = std::optional<PlanRefusal>;

Refused blocked(std::string reason) {
  return PlanRefusal{RefusalState::kBlocked, std::move(reason)};
}

std::string state_text(const std::vector<bool>& readable) {
  std::string letters;
  for (const bool good : readable) {
    letters.push_back(good ? kSectorGood : kSectorLost);
  }
  return letters;
}

// One planned unit of a part of a piece.
PlannedUnit unit_of(const FileId& file, const Piece& piece, const ByteRange& file_range, Method method,
                    const std::string& letters) {
  const std::uint64_t in_piece = file_range.offset - piece.file_range.offset;
  const ByteRange device_range{piece.device_offset + in_piece, file_range.length};
  return {Unit{device_range, method, letters.substr(in_piece / kSectorBytes, file_range.length / kSectorBytes)},
          {Mapping{file, file_range.offset, device_range}}};
}

class Planner {
 public:
  Planner(const Place& place, const PlanRequest& request, const PlanFacts& facts)
      : place_(place), request_(request), facts_(facts), file_(*request.owners.front().file) {}

  PlanReply run() {
    for (const PageFacts& page : facts_.pages) {
      if (Refused refused = add_page(page)) {
        return {std::nullopt, refused};
      }
    }
    if (units_.empty()) {
      return nothing_bad();
    }
    merge_units();
    if (units_.size() > kMaxUnitsPerPlan) {
      return refuse(RefusalState::kBlocked, "the incident has more than " + std::to_string(kMaxUnitsPerPlan) +
                                                " separate places; it is too large for one plan");
    }
    return {finish(), std::nullopt};
  }

 private:
  bool is_allowed(Method method) const {
    return std::find(request_.methods.begin(), request_.methods.end(), method) != request_.methods.end();
  }

  Refused add_page(const PageFacts& page) {
    const auto bad = requested_bad_sectors(page);
    if (bad.empty()) {
      return std::nullopt;
    }
    // What is mapped from its medium may have lost its entry to a write that failed: add_bad_blocks() looks at it.
    if (!facts_.file.kinds.dax &&
        std::any_of(bad.begin(), bad.end(), [this](const ByteRange& sector) { return facts_.list.lacks(sector); })) {
      return blocked(
          "the sectors cannot be read, but the list of bad sectors does not name them: a proof of their "
          "repair could not be had");
    }
    for (const Piece& piece : page.pieces) {
      if (auto unusable = unusable_extent(piece.extent)) {
        return blocked(*unusable);
      }
    }
    switch (page.cache) {
      case CacheState::kWhole:
        return add_redirty(page);
      case CacheState::kAbsent:
        return add_rewrite(page);
      case CacheState::kPartly:
        return blocked(
            "the page cache has the only copy of these bytes in a page that cannot be written back: a "
            "program that reads the file and replaces it saves them");
    }
    return blocked("the page cache is in no known state");
  }

  // Sectors of the incident that cannot be read, as device ranges.
  std::vector<ByteRange> requested_bad_sectors(const PageFacts& page) const {
    std::vector<ByteRange> bad;
    for (std::size_t i = 0; i < page.pieces.size(); ++i) {
      for (std::size_t n = 0; n < page.readable[i].size(); ++n) {
        const ByteRange sector{page.pieces[i].device_offset + n * kSectorBytes, kSectorBytes};
        if (!page.readable[i][n] && is_requested(sector)) {
          bad.push_back(sector);
        }
      }
    }
    return bad;
  }

  bool is_requested(const ByteRange& sector) const {
    return std::any_of(request_.ranges.begin(), request_.ranges.end(),
                       [&sector](const ByteRange& range) { return range.overlaps(sector); });
  }

  Refused add_redirty(const PageFacts& page) {
    if (!is_allowed(Method::kRedirty)) {
      return blocked(
          "the page cache still has the bytes, which \"redirty\" would write back; the rule that applies "
          "does not name this method");
    }
    std::uint64_t mapped = 0;
    for (const Piece& piece : page.pieces) {
      mapped += piece.file_range.length;
    }
    if (mapped != data_part(page.file_range, facts_.file).length) {
      return blocked("the page also covers a hole of the file, which dirtying it would fill");
    }
    for (std::size_t i = 0; i < page.pieces.size(); ++i) {
      std::string letters = state_text(page.readable[i]);
      std::replace(letters.begin(), letters.end(), kSectorLost, kSectorCached);
      units_.push_back(unit_of(file_, page.pieces[i], page.pieces[i].file_range, Method::kRedirty, letters));
    }
    return std::nullopt;
  }

  // The method that writes through this file.
  Method write_method() const {
    const Method usual = facts_.file.kinds.dax ? Method::kRecoveryWrite : Method::kRewrite;
    return !is_allowed(usual) && is_allowed(Method::kPunch) ? Method::kPunch : usual;
  }

  Refused add_rewrite(const PageFacts& page) {
    if (auto forbidden = forbidden_write(facts_.file)) {
      return blocked(*forbidden);
    }
    if (write_method() == Method::kPunch && facts_.memory_errors) {
      return blocked(*facts_.memory_errors);
    }
    if (facts_.in_use) {
      return blocked("the file is in use by " + *facts_.in_use + ": it is repaired when nobody has it open");
    }
    for (std::size_t i = 0; i < page.pieces.size(); ++i) {
      if (Refused refused = add_bad_blocks(page.pieces[i], state_text(page.readable[i]))) {
        return refused;
      }
    }
    return std::nullopt;
  }

  // Each aligned block of the piece that has a bad sector of the incident.
  Refused add_bad_blocks(const Piece& piece, const std::string& letters) {
    // A part of a block of the file system cannot be given back.
    const std::uint64_t whole = write_method() == Method::kPunch ? std::max(facts_.file.block_bytes, kPageBytes) : 0;
    const std::uint64_t alignment = std::max(write_alignment(place_, facts_.file), whole);
    for (std::uint64_t at = 0; at < piece.file_range.length; at += kSectorBytes) {
      if (letters[at / kSectorBytes] != kSectorLost || !is_requested({piece.device_offset + at, kSectorBytes})) {
        continue;
      }
      const ByteRange block = round_out({piece.file_range.offset + at, kSectorBytes}, alignment);
      if (!piece.file_range.contains(block)) {
        return blocked("the extent is smaller than what can be written at once");
      }
      const auto method = method_for(piece, block, letters);
      if (!method) {
        return method.error();
      }
      if (block.end() > facts_.file.attributes.size) {
        return blocked(
            "the bad sector is in the last block of the file, not in the page cache: a write would make "
            "the file longer");
      }
      units_.push_back(unit_of(file_, piece, block, *method, letters));
      at = block.end() - piece.file_range.offset - kSectorBytes;
    }
    return std::nullopt;
  }

  // A page that took a machine check cannot be read at all until the machine is restarted, though the medium lost less:
  // what is not listed will be there again. Where nothing of it is listed, a write that failed may have seen to that.
  tl::expected<Method, PlanRefusal> method_for(const Piece& piece, const ByteRange& block,
                                               const std::string& letters) const {
    const std::uint64_t sectors = block.length / kSectorBytes;
    const std::uint64_t first = (block.offset - piece.file_range.offset) / kSectorBytes;
    std::uint64_t unlisted = 0;
    for (std::uint64_t i = first; place_.memory && i < first + sectors; ++i) {
      const ByteRange sector{piece.device_offset + i * kSectorBytes, kSectorBytes};
      unlisted += letters[i] == kSectorLost && facts_.list.lacks(sector) ? 1U : 0U;
    }
    const bool out_of_reach = facts_.file.kinds.dax && unlisted == sectors;
    const Method method = out_of_reach ? Method::kRescue : write_method();
    if (unlisted != 0 && !out_of_reach) {
      return tl::make_unexpected(*blocked(
          "sectors of the page cannot be read, but are not listed as bad: after a machine check only a restart "
          "of the machine brings them back, and then the page can be repaired without losing them"));
    }
    if (is_allowed(method)) {
      return method;
    }
    if (out_of_reach) {
      return tl::make_unexpected(*blocked(
          "the page cannot be read, but is not listed as bad: it took a machine check. A restart of the machine "
          "brings it back, with what the medium then holds, or \"rescue\", where a rule names it, for zeros"));
    }
    const std::string needed = "the bytes are not in the page cache, so that \"" + std::string(to_string(method)) +
                               "\" is needed; the rule that applies does not name this method";
    return tl::make_unexpected(*blocked(needed + zeroinit_remark(letters.substr(first, sectors))));
  }

  // What a rule that names `zeroinit` gets to hear; it is for pages of which nothing can be read.
  std::string zeroinit_remark(const std::string& letters) const {
    if (!facts_.no_zeroinit) {
      return "";
    }
    const bool salvageable = letters.find_first_not_of(kSectorLost) != std::string::npos;
    return "; " + (salvageable ? "\"zeroinit\" would make zeros of sectors that can be read" : *facts_.no_zeroinit);
  }

  // Units that follow each other on the device and in the file become one.
  void merge_units() {
    std::sort(units_.begin(), units_.end(), [](const PlannedUnit& a, const PlannedUnit& b) {
      return a.unit.device_range.offset < b.unit.device_range.offset;
    });
    std::vector<PlannedUnit> merged;
    for (PlannedUnit& next : units_) {
      if (!merged.empty() && continues(merged.back(), next)) {
        Unit& last = merged.back().unit;
        last.device_range.length += next.unit.device_range.length;
        last.sectors += next.unit.sectors;
        merged.back().mappings.front().device_range = last.device_range;
      } else {
        merged.push_back(std::move(next));
      }
    }
    units_ = std::move(merged);
  }

  static bool continues(const PlannedUnit& last, const PlannedUnit& next) {
    const Mapping& before = last.mappings.front();
    const Mapping& after = next.mappings.front();
    return last.unit.method == next.unit.method && before.device_range.end() == after.device_range.offset &&
           before.file_offset + before.device_range.length == after.file_offset &&
           last.unit.device_range.length + next.unit.device_range.length <= kMaxUnitBytes;
  }

  // Every requested sector can be read.
  PlanReply nothing_bad() const {
    const bool listed = std::any_of(request_.ranges.begin(), request_.ranges.end(),
                                    [this](const ByteRange& range) { return facts_.list.bad.overlaps(range); });
    if (listed) {
      return refuse(RefusalState::kBlocked,
                    "the sectors are listed as bad but can be read: nothing is written while that is so");
    }
    if (!facts_.list.complete) {
      return refuse(RefusalState::kUnresolved, "the sectors can be read, but the list of bad sectors was cut short");
    }
    return refuse(RefusalState::kCleared, "the sectors can be read and are not listed any more");
  }

  Plan finish() const {
    Plan plan;
    plan.device = place_.device;
    plan.device_id = place_.device_id;
    plan.boot_id = facts_.boot_id;
    plan.owner = OwnerKind::kFile;
    plan.filesystem = place_.filesystem;
    RangeSet salvageable;
    RangeSet lost;
    RangeSet bad;
    for (const PlannedUnit& planned : units_) {
      add_sectors(planned.unit, salvageable, lost);
      for (const ByteRange& range : facts_.list.bad.common(planned.unit.device_range)) {
        bad.insert(range);
      }
      if (is_written_through_file(planned.unit.method)) {
        plan.method = planned.unit.method;
      }
    }
    plan.units = units_;
    plan.bad = bad.ranges();
    plan.salvageable = salvageable.ranges();
    plan.lost = lost.ranges();
    return plan;
  }

  static void add_sectors(const Unit& unit, RangeSet& salvageable, RangeSet& lost) {
    for (std::size_t i = 0; i < unit.sectors.size(); ++i) {
      const ByteRange sector{unit.device_range.offset + i * kSectorBytes, kSectorBytes};
      (unit.sectors[i] == kSectorLost ? lost : salvageable).insert(sector);
    }
  }

  const Place& place_;
  const PlanRequest& request_;
  const PlanFacts& facts_;
  FileId file_;
  std::vector<PlannedUnit> units_;
};

}  // namespace

PlanReply refuse(RefusalState state, std::string reason) {
  return {std::nullopt, PlanRefusal{state, std::move(reason)}};
}

std::uint64_t write_alignment(const Place& place, const TargetFacts& file) {
  return std::max<std::uint64_t>(place.unit_bytes(), file.direct_alignment.value_or(0));
}

ByteRange data_part(const ByteRange& file_range, const TargetFacts& file) {
  const ByteRange data = round_out({0, file.attributes.size}, file.block_bytes);
  return intersect(file_range, data).value_or(ByteRange{file_range.offset, 0});
}

PlanReply make_plan(const Place& place, const PlanRequest& request, const PlanFacts& facts) {
  return Planner(place, request, facts).run();
}

}  // namespace pmend::repair
