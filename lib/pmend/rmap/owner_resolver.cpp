// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/owner_resolver.hpp"

#include "pmend/rmap/assemble.hpp"
#include "pmend/rmap/extent_search.hpp"
#include "pmend/rmap/facts.hpp"
#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/space_map.hpp"
#include "pmend/rmap/verify.hpp"

#include <algorithm>
#include <iterator>
#include <thread>

namespace pmend::rmap {
namespace {

constexpr const char* kNotManaged = "the file system does not say anything of this range";
constexpr const char* kNoReverseMap = "in use, but GETFSMAP does not say by what (is CAP_SYS_ADMIN missing?)";

// Everything that is known about the ranges before it is checked.
Result<std::vector<Claim>> find_claims(const OpenFs& fs, const RangeSet& wanted, const ResolveOptions& options) {
  auto map = read_space_map(fs, wanted);
  if (!map) {
    return tl::make_unexpected(map.error());
  }
  std::vector<Claim> claims = std::move(map->claims);
  if (map->undecided.empty()) {
    return claims;
  }
  SearchResult search{{}, map->undecided, kNoReverseMap};
  if (!fs.xfs) {
    search = search_tree(fs, map->undecided, options.proc);
  } else if (!fs.xfs->reverse_map) {
    search = search_inodes(fs, map->undecided);
  }
  if (claims.size() + search.claims.size() > kMaxClaims) {
    return fail(Errc::kRefused, "the ranges have too many owners for one answer");
  }
  std::ranges::move(search.claims, std::back_inserter(claims));
  for (const ByteRange& range : search.missing.ranges()) {
    claims.push_back(unknown_claim(range, search.why_missing, kByFsmap));
  }
  return claims;
}

// The claims without anything inside `out`.
std::vector<Claim> cut_away(const std::vector<Claim>& claims, const RangeSet& out) {
  std::vector<Claim> rest;
  for (const Claim& claim : claims) {
    for (const ByteRange& part : out.missing(claim.device_range)) {
      rest.push_back(claim);
      rest.back().file_offset += part.offset - claim.device_range.offset;
      rest.back().device_range = part;
    }
  }
  return rest;
}

Result<std::vector<Claim>> find_verified(const OpenFs& fs, const RangeSet& wanted, const ResolveOptions& options) {
  auto claims = find_claims(fs, wanted, options);
  if (!claims) {
    return claims;
  }
  Verified first = verify(fs, std::move(*claims));
  if (first.failed.empty()) {
    return std::move(first.claims);
  }
  RangeSet again;
  for (const Claim& failed : first.failed) {
    again.insert(failed.device_range);
  }
  std::this_thread::sleep_for(options.retry_delay);
  claims = find_claims(fs, again, options);
  if (!claims) {
    return claims;
  }
  Verified second = verify(fs, std::move(*claims));
  std::vector<Claim> all = cut_away(first.claims, again);
  std::ranges::move(second.claims, std::back_inserter(all));
  for (const Claim& failed : second.failed) {
    all.push_back(unknown_claim(failed.device_range, failed.detail, failed.evidence));
  }
  return all;
}

class SystemOwnerResolver final : public OwnerResolver {
 public:
  Result<std::vector<OwnedRange>> resolve(const MountedFileSystem& mounted, const std::vector<ByteRange>& ranges,
                                          const ResolveOptions& options) override {
    const RangeSet wanted(ranges);
    const auto fs = open_fs(mounted, options);
    if (!fs) {
      // "Cannot know" is an answer; "could not look" is not.
      return fs.error().is(Errc::kUnsupported) ? assemble(mounted.ref, wanted, {}, fs.error().what)
                                               : Result<std::vector<OwnedRange>>(tl::make_unexpected(fs.error()));
    }
    auto claims = find_verified(*fs, wanted, options);
    if (!claims) {
      return tl::make_unexpected(claims.error());
    }
    auto pieces = assemble(mounted.ref, wanted, std::move(*claims), kNotManaged);
    if (!options.facts.empty()) {
      add_facts(*fs, options, pieces);
    }
    return pieces;
  }
};

}  // namespace

std::unique_ptr<OwnerResolver> make_owner_resolver() {
  return std::make_unique<SystemOwnerResolver>();
}

}  // namespace pmend::rmap
