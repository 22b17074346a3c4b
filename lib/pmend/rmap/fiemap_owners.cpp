// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/fiemap_owners.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/file_facts.hpp"
#include "pmend/kernel/open_beneath.hpp"
#include "pmend/rmap/assemble.hpp"
#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/facts.hpp"
#include "pmend/rmap/name_check.hpp"
#include "pmend/rmap/names.hpp"
#include "pmend/rmap/tree_walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace pmend::rmap {
namespace {

// Each of several devices counts from 0 in bcachefs, and btrfs has addresses of its own.
constexpr std::array<std::string_view, 2> kOtherAddresses = {"bcachefs", "btrfs"};

constexpr const char* kNoFile =
    "no file of the tree says that it has it: free, metadata, or in a file that does not say where it lies";

struct FoundFile {
  struct stat status = {};
  std::vector<std::string> names;  // below the root of the mount
};

bool has_other_addresses(const std::string& type) {
  return std::ranges::find(kOtherAddresses, type) != kOtherAddresses.end();
}

class FiemapWalk {
 public:
  FiemapWalk(const OpenFs& fs, const RangeSet& wanted) : fs_(fs), wanted_(wanted) {}

  void run() {
    report_ = walk_tree(fs_, [this](const TreeEntry& entry) {
      if (entry.type == DT_REG) {
        visit(entry);
      }
      return claims_.size() > kMaxClaims ? WalkNext::kEnd : WalkNext::kGoOn;
    });
  }

  // Whoever has changed since is nobody.
  std::vector<Claim> take_true_claims() {
    std::vector<Claim> claims;
    for (Claim& claim : claims_) {
      auto& file = files_.at(claim.inode);
      keep_true_names(fs_, claim.inode, file.names);
      claims.push_back(still_has(file, claim)
                           ? std::move(claim)
                           : unknown_claim(claim.device_range,
                                           "inode " + std::to_string(claim.inode) + " had it a moment ago", kByWalk));
    }
    return claims;
  }

  std::string why_missing() const {
    std::string why = report_.stopped ? "the search was stopped before the whole tree was seen" : kNoFile;
    for (const WalkReport& report : {report_, failures_}) {
      for (const std::string& skipped : report.skipped) {
        why += "; not seen: " + skipped;
      }
    }
    return why;
  }

  const std::map<std::uint64_t, FoundFile>& files() const { return files_; }

 private:
  void visit(const TreeEntry& entry) {
    if (const auto known = files_.find(entry.inode); known != files_.end()) {
      known->second.names.push_back(entry.path());
      return;
    }
    if (linked_.contains(entry.inode)) {
      return;
    }
    if (const auto asked = ask(entry); !asked) {
      failures_.skip(escape_bytes(entry.path()) + ": " + asked.error().message());
    }
  }

  Status ask(const TreeEntry& entry) {
    const auto fd = open_entry(fs_, entry);
    struct stat status = {};
    if (!fd) {
      return tl::make_unexpected(fd.error());
    }
    if (fstat(fd->get(), &status) < 0) {
      return fail_errno("fstat");
    }
    if (status.st_nlink > 1) {
      linked_.insert(status.st_ino);
    }
    const auto extents = placed_extents(fs_.mounted.ref.type, fd->get());
    if (!extents) {
      return tl::make_unexpected(extents.error());
    }
    for (const kernel::FileExtent& extent : *extents) {
      for (const ByteRange& part : wanted_.common(extent.device_range())) {
        claims_.push_back(claim_of(extent, part, status.st_ino));
        files_[status.st_ino] = {status, {entry.path()}};
      }
    }
    return {};
  }

  static Claim claim_of(const kernel::FileExtent& extent, const ByteRange& part, std::uint64_t inode) {
    Claim claim;
    claim.device_range = part;
    claim.kind = OwnerKind::kFile;
    claim.inode = inode;
    claim.data_fork = true;
    claim.file_offset = extent.file_offset + (part.offset - extent.device_offset);
    claim.shared = extent.is_shared();
    claim.unwritten = extent.is_unwritten();
    claim.evidence = kByWalk | kByFiemap;
    return claim;
  }

  bool still_has(const FoundFile& file, const Claim& claim) const {
    if (file.names.empty()) {
      return false;
    }
    const auto fd =
        kernel::open_beneath(fs_.root.get(), file.names.front(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOATIME);
    struct stat status = {};
    if (!fd || fstat(fd->get(), &status) < 0 || status.st_ino != claim.inode) {
      return false;
    }
    const auto extents = placed_extents(fs_.mounted.ref.type, fd->get());
    RangeSet has;
    for (const kernel::FileExtent& extent : extents ? *extents : std::vector<kernel::FileExtent>()) {
      if (extent.file_offset - extent.device_offset == claim.file_offset - claim.device_range.offset) {
        has.insert(extent.device_range());
      }
    }
    return has.covers(claim.device_range);
  }

  const OpenFs& fs_;
  const RangeSet& wanted_;
  std::vector<Claim> claims_;
  std::map<std::uint64_t, FoundFile> files_;  // that have any of it
  std::set<std::uint64_t> linked_;            // asked, and may be met again
  WalkReport report_;
  WalkReport failures_;
};

void add_known_facts(const FiemapWalk& walk, const ResolveOptions& options, const std::string& mount_point,
                     OwnedRange& range) {
  std::size_t room = room_for_names(range);
  for (Owner& owner : range.owners) {
    const auto found = owner.file ? walk.files().find(owner.file->inode) : walk.files().end();
    if (found == walk.files().end()) {
      continue;
    }
    const auto& [status, names] = found->second;
    if (wants(options, protocol::Fact::kNames)) {
      add_paths(mount_point, names, room, owner);
      owner.all_names = owner.paths.size() == status.st_nlink;
    }
    if (wants(options, protocol::Fact::kAttributes)) {
      owner.attributes = attributes_of(status);
    }
  }
  if (std::ranges::any_of(range.owners, [](const Owner& owner) { return !owner.paths.empty(); })) {
    std::ranges::move(evidence_names(kNamesByWalk), std::back_inserter(range.evidence));
  }
}

}  // namespace

Result<std::vector<kernel::FileExtent>> placed_extents(const std::string& type, int fd) {
  const auto facts = kernel::file_facts(fd);
  if (!facts) {
    return tl::make_unexpected(facts.error());
  }
  if (facts->compressed || has_other_addresses(type)) {
    return fail(Errc::kUnsupported,
                facts->compressed ? "it is compressed" : escape_bytes(type) + " does not say where files lie");
  }
  auto extents = kernel::fiemap(fd);
  if (extents) {
    std::erase_if(*extents, [](const kernel::FileExtent& extent) { return !extent.has_device_range(); });
  }
  return extents;
}

Result<std::vector<OwnedRange>> resolve_by_fiemap(const MountedFileSystem& mounted, const RangeSet& wanted,
                                                  const ResolveOptions& options) {
  const auto fs = open_tree(mounted, options);
  if (!fs) {
    return tl::make_unexpected(fs.error());
  }
  if (has_other_addresses(mounted.ref.type)) {
    return assemble(mounted.ref, wanted, {}, escape_bytes(mounted.ref.type) + " does not say where files lie");
  }
  FiemapWalk walk(*fs, wanted);
  walk.run();
  auto claims = walk.take_true_claims();
  if (claims.size() > kMaxClaims) {
    return fail(Errc::kRefused, "the ranges have too many owners for one answer");
  }
  auto pieces = assemble(mounted.ref, wanted, std::move(claims), walk.why_missing());
  for (OwnedRange& piece : pieces) {
    add_known_facts(walk, options, mounted.ref.mount_point, piece);
  }
  return pieces;
}

}  // namespace pmend::rmap
