// SPDX-License-Identifier: Apache-2.0
#include "medium/decision.hpp"

#include <cerrno>

namespace pmend::medium {
namespace {

Decision decide_read(OnRead on_read, const RangeSet& poison, const ByteRange& range) {
  const auto hit = poison.first_overlap(round_out(range, kSectorBytes));
  if (!hit || on_read == OnRead::kOk) {
    return {.parts = {range}, .touched_poison = hit.has_value()};
  }
  if (on_read == OnRead::kEio || hit->offset <= range.offset) {
    return {.error = EIO, .parts = {}, .touched_poison = true};
  }
  return {.parts = {{range.offset, hit->offset - range.offset}}, .touched_poison = true};
}

// True if the first or the last sector of the range is poisoned and not covered whole.
bool covers_poison_partly(const RangeSet& poison, const ByteRange& range) {
  const ByteRange outer = round_out(range, kSectorBytes);
  const ByteRange head{outer.offset, range.offset - outer.offset};
  const ByteRange tail{range.end(), outer.end() - range.end()};
  return poison.overlaps(head) || poison.overlaps(tail);
}

}  // namespace

Decision decide(const Mode& mode, const PoisonMap& map, const Request& request) {
  const ByteRange& range = request.range;
  const RangeSet& poison = map.poisoned();
  if (request.operation == Operation::kRead) {
    return decide_read(mode.read, poison, range);
  }
  const OnChange on_change = mode.on_change(request.operation);
  const bool touched = poison.overlaps(range);
  if (on_change == OnChange::kNoSupport) {
    return {.error = EOPNOTSUPP, .parts = {}, .touched_poison = touched};
  }
  if (covers_poison_partly(poison, range)) {
    return {.error = EIO, .parts = {}, .touched_poison = true};
  }
  if (request.operation == Operation::kDiscard && on_change == OnChange::kLie) {
    return {.parts = {}, .touched_poison = touched, .lies = touched};
  }
  if (!touched) {
    return {.parts = {range}};
  }
  if (on_change == OnChange::kEio) {
    return {.error = EIO, .parts = {}, .touched_poison = true};
  }
  if (on_change == OnChange::kLie) {
    return {.parts = poison.missing(range), .touched_poison = true, .lies = true};
  }
  return {.parts = {range}, .touched_poison = true, .cures = true};
}

}  // namespace pmend::medium
