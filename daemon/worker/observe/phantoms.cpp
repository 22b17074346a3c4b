// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/phantoms.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <algorithm>
#include <string_view>

namespace pmend::worker {

Result<ScrubCount> parse_scrub_count(const std::string& text) {
  std::string_view rest = text;
  if (rest.ends_with('\n')) {
    rest.remove_suffix(1);
  }
  ScrubCount count;
  count.running = rest.ends_with('+');
  if (count.running) {
    rest.remove_suffix(1);
  }
  const auto ended = parse_u64(rest);
  if (!ended) {
    return fail(Errc::kInvalid, "not a count of scrubs: '" + escape_bytes(text) + "'");
  }
  count.ended = *ended;
  return count;
}

Result<ScrubCount> read_scrub_count(const std::string& attribute) {
  const auto text = read_text_file(attribute);
  return text ? parse_scrub_count(*text) : tl::make_unexpected(text.error());
}

void FirstSeen::take(const RangeSet& listed, bool complete, std::uint64_t next_fresh) {
  RangeSet fresh = listed;
  for (auto it = by_count_.begin(); it != by_count_.end();) {
    RangeSet kept;
    for (const ByteRange& range : it->second.ranges()) {
      for (const ByteRange& still : complete ? listed.common(range) : std::vector{range}) {
        kept.insert(still);
        fresh.erase(still);
      }
    }
    it->second = std::move(kept);
    it = it->second.empty() ? by_count_.erase(it) : std::next(it);
  }
  for (const ByteRange& range : fresh.ranges()) {
    by_count_[next_fresh].insert(range);
  }
}

bool FirstSeen::seen_before(const ByteRange& range, std::uint64_t ended) const {
  RangeSet left({range});
  for (const auto& [count, listed] : by_count_) {
    if (count > ended) {
      break;
    }
    for (const ByteRange& seen : listed.common(range)) {
      left.erase(seen);
    }
  }
  return left.empty();
}

std::optional<bool> is_phantom(const ByteRange& device_range, const nvdimm::LinearMap& device, const FirstSeen& seen,
                               const ScrubRecords& records) {
  const auto pieces = device.down(device_range);
  if (std::ranges::any_of(pieces, [&](const auto& piece) { return records.bad.overlaps(piece.lower_range()); })) {
    return false;
  }
  std::uint64_t covered = 0;
  for (const nvdimm::LinearPiece& piece : pieces) {
    covered += records.covered.covers(piece.lower_range()) ? piece.upper.length : 0;
  }
  if (covered != device_range.length || !seen.seen_before(device_range, records.ended)) {
    return std::nullopt;
  }
  return true;
}

}  // namespace pmend::worker
