// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/owner_resolver.hpp"

#include "pmend/rmap/assemble.hpp"
#include "pmend/rmap/btrfs_owners.hpp"
#include "pmend/rmap/extent_search.hpp"
#include "pmend/rmap/facts.hpp"
#include "pmend/rmap/fiemap_owners.hpp"
#include "pmend/rmap/index_search.hpp"
#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/space_map.hpp"
#include "pmend/rmap/verify.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

namespace pmend::rmap {
namespace {

constexpr const char* kNotManaged = "the file system does not say anything of this range";
constexpr const char* kNoReverseMap = "in use, but GETFSMAP does not say by what (is CAP_SYS_ADMIN missing?)";
constexpr const char* kOtherMethod = "this way to find owners is for another file system";

// What was kept, then what is so now, then once more a moment later.
constexpr int kRounds = 3;

struct Found {
  std::vector<Claim> claims;
  std::shared_ptr<const InodeIndex> index;      // that was asked, if one was
  std::map<std::uint64_t, NamesOfInode> names;  // that were seen on the way
};

NamesToo wanted_names(const ResolveOptions& options) {
  const bool wanted =
      wants(options, protocol::Fact::kNames) && options.only_names_by.value_or(NameMethod::kPath) == NameMethod::kPath;
  return wanted ? NamesToo::kIfKnown : NamesToo::kNo;
}

OwnerMethod best_method(const OpenFs& fs) {
  if (!fs.xfs) {
    return OwnerMethod::kInodeTables;
  }
  return fs.xfs->reverse_map ? OwnerMethod::kSpaceMap : OwnerMethod::kBulkstat;
}

Result<IndexedResult> search(const OpenFs& fs, const RangeSet& undecided, const ResolveOptions& options,
                             IndexCache& cache, Freshness freshness) {
  const OwnerMethod method = options.only_owners_by.value_or(best_method(fs));
  if (method == OwnerMethod::kSpaceMap) {
    return IndexedResult{{{}, undecided, kNoReverseMap}, nullptr};
  }
  if (method == OwnerMethod::kTreeWalk) {
    return IndexedResult{search_tree(fs, undecided, options.proc), nullptr};
  }
  if ((method == OwnerMethod::kBulkstat) != fs.xfs.has_value()) {
    return fail(Errc::kUnsupported, kOtherMethod);
  }
  auto indexed = search_index(fs, undecided, cache, freshness);
  if (indexed || fs.xfs || options.only_owners_by) {
    return indexed;
  }
  return IndexedResult{search_tree(fs, undecided, options.proc), nullptr};
}

// Owners that GETFSMAP told become undecided: another way is to find them.
void leave_owners_to_others(SpaceMap& map) {
  std::erase_if(map.claims, [&map](const Claim& claim) {
    if (claim.inode != 0) {
      map.undecided.insert(claim.device_range);
    }
    return claim.inode != 0;
  });
}

// Owners by the index that was kept, which are asked before GETFSMAP: ext4 never shares a block, so whoever says that
// it has one is its only owner. `rest` is what it does not know.
Found find_kept_claims(const OpenFs& fs, const RangeSet& wanted, IndexCache& cache, RangeSet& rest) {
  auto kept = search_kept_index(fs, wanted, cache);
  if (!kept) {
    return {};
  }
  rest = std::move(kept->found.missing);
  return {std::move(kept->found.claims), std::move(kept->index), {}};
}

Status add_searched_claims(const OpenFs& fs, const RangeSet& undecided, const ResolveOptions& options,
                           IndexCache& cache, Freshness freshness, Found& found) {
  auto searched = search(fs, undecided, options, cache, freshness);
  if (!searched) {
    for (const ByteRange& range : undecided.ranges()) {
      found.claims.push_back(unknown_claim(range, searched.error().message(), kByFsmap));
    }
    return {};
  }
  found.index = std::move(searched->index);
  if (found.claims.size() + searched->found.claims.size() > kMaxClaims) {
    return fail(Errc::kRefused, "the ranges have too many owners for one answer");
  }
  std::ranges::move(searched->found.claims, std::back_inserter(found.claims));
  for (const ByteRange& range : searched->found.missing.ranges()) {
    found.claims.push_back(unknown_claim(range, searched->found.why_missing, kByFsmap));
  }
  return {};
}

// Everything that is known about the ranges before it is checked.
Result<Found> find_claims(const OpenFs& fs, const RangeSet& wanted, const ResolveOptions& options, IndexCache& cache,
                          Freshness freshness) {
  Found found;
  RangeSet rest = wanted;
  if (freshness == Freshness::kKept && !options.only_owners_by) {
    found = find_kept_claims(fs, wanted, cache, rest);
  }
  auto map = read_space_map(fs, rest);
  if (!map) {
    return tl::make_unexpected(map.error());
  }
  if (options.only_owners_by && options.only_owners_by != OwnerMethod::kSpaceMap) {
    leave_owners_to_others(*map);
  }
  std::ranges::move(map->claims, std::back_inserter(found.claims));
  if (!map->undecided.empty()) {
    const auto added = add_searched_claims(fs, map->undecided, options, cache, freshness, found);
    if (!added) {
      return tl::make_unexpected(added.error());
    }
  }
  return found;
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

bool is_from_kept_index(const Claim& claim) {
  return (claim.evidence & kByIndex) != 0;
}

// What has to be asked again: owners that are none, and shared extents of which an index may lack a newer owner.
RangeSet to_ask_again(const Verified& verified) {
  RangeSet again;
  for (const Claim& failed : verified.failed) {
    again.insert(failed.device_range);
  }
  for (const Claim& claim : verified.claims) {
    if (claim.shared && is_from_kept_index(claim)) {
      again.insert(claim.device_range);
    }
  }
  return again;
}

Result<Found> find_verified(const OpenFs& fs, const RangeSet& wanted, const ResolveOptions& options,
                            IndexCache& cache) {
  Found all;
  RangeSet again = wanted;
  for (int round = 0; round < kRounds; ++round) {
    auto found = find_claims(fs, again, options, cache, round == 0 ? Freshness::kKept : Freshness::kNew);
    if (!found) {
      return found;
    }
    all.index = found->index ? std::move(found->index) : std::move(all.index);
    Verified verified = verify(fs, std::move(found->claims), wanted_names(options));
    verified.names.merge(all.names);
    all.names = std::move(verified.names);
    all.claims = cut_away(all.claims, again);
    std::ranges::move(verified.claims, std::back_inserter(all.claims));
    again = to_ask_again(verified);
    if (again.empty()) {
      break;
    }
    if (round + 1 == kRounds) {
      for (const Claim& failed : verified.failed) {
        all.claims.push_back(unknown_claim(failed.device_range, failed.detail, failed.evidence));
      }
    } else if (std::ranges::none_of(verified.failed, is_from_kept_index) && !verified.failed.empty()) {
      std::this_thread::sleep_for(options.retry_delay);
    }
  }
  return all;
}

class SystemOwnerResolver final : public OwnerResolver {
 public:
  explicit SystemOwnerResolver(IndexOptions index) : cache_(std::move(index)) {}

  Result<std::vector<OwnedRange>> resolve(const MountedFileSystem& mounted, const std::vector<ByteRange>& ranges,
                                          const ResolveOptions& options) override {
    const RangeSet wanted(ranges);
    if (mounted.ref.type == "btrfs") {
      return resolve_btrfs(mounted, wanted, options);
    }
    if (!is_supported(mounted.ref.type)) {
      return resolve_by_fiemap(mounted, wanted, options);
    }
    const auto fs = open_fs(mounted, options);
    if (!fs) {
      // "Cannot know" is an answer; "could not look" is not.
      return fs.error().is(Errc::kUnsupported) ? assemble(mounted.ref, wanted, {}, fs.error().what)
                                               : Result<std::vector<OwnedRange>>(tl::make_unexpected(fs.error()));
    }
    auto found = find_verified(*fs, wanted, options, cache_);
    if (!found) {
      return tl::make_unexpected(found.error());
    }
    auto pieces = assemble(mounted.ref, wanted, std::move(found->claims), kNotManaged);
    if (!options.facts.empty()) {
      const auto index = found->index && !fs->xfs ? found->index : cache_.find(index_key(*fs));
      const std::size_t most_links = cache_.budget_bytes() / sizeof(ParentLink);
      if (auto table = add_facts(*fs, options, {index ? &index->parents : nullptr, most_links, std::move(found->names)},
                                 pieces)) {
        keep_parents(*fs, std::move(*table));
      }
    }
    return pieces;
  }

 private:
  // Of XFS: the index of ext4 has them from the start.
  void keep_parents(const OpenFs& fs, ParentTable parents) {
    if (!fs.xfs) {
      return;
    }
    const IndexKey key = index_key(fs);
    const auto kept = cache_.find(key);
    InodeIndex index = kept ? *kept : InodeIndex();
    index.parents = std::move(parents);
    index.block_bytes = static_cast<std::uint32_t>(fs.xfs->block_bytes);
    cache_.put(key, std::make_shared<const InodeIndex>(std::move(index)));
  }

  IndexCache cache_;
};

}  // namespace

Status refresh_index(const MountedFileSystem& mounted, const IndexOptions& index, const ResolveOptions& options) {
  const auto fs = open_fs(mounted, options);
  if (!fs) {
    return tl::make_unexpected(fs.error());
  }
  if (best_method(*fs) == OwnerMethod::kSpaceMap) {
    return fail(Errc::kUnsupported, "an index");
  }
  IndexCache cache(index);
  const auto made = search_index(*fs, RangeSet(), cache, Freshness::kNew);
  return made ? Status() : tl::make_unexpected(made.error());
}

std::unique_ptr<OwnerResolver> make_owner_resolver(IndexOptions index) {
  return std::make_unique<SystemOwnerResolver>(std::move(index));
}

}  // namespace pmend::rmap
