// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/owner_file.hpp"

#include "pmend/kernel/bulkstat.hpp"

#include <sys/stat.h>

#include <limits>
#include <utility>

namespace pmend::rmap {

bool owner_is_gone(const Error& error) {
  return error.is_errno(ESTALE) || error.is_errno(ENOENT) || error.is(Errc::kStale);
}

OwnerFiles::OwnerFiles(const OpenFs& fs) : fs_(fs) {
  if (fs.ext4) {
    inodes_.emplace(*fs.ext4);
  }
}

Result<OwnerFile> OwnerFiles::open(std::uint64_t inode, std::optional<std::uint32_t> generation) {
  if (auto file = open_at_once(inode, generation)) {
    return std::move(*file);
  }
  const auto id = find(inode, generation);
  return id ? open_by_type(*id) : tl::make_unexpected(id.error());
}

// Most owners are regular files that can be opened. Nothing: one has to find out, and nothing is known yet.
std::optional<OwnerFile> OwnerFiles::open_at_once(std::uint64_t inode, std::optional<std::uint32_t> generation) {
  auto owner = look_at(inode);
  if (!owner || !S_ISREG(owner->mode) || owner->id.generation == 0 || fs_.leased.contains(inode) ||
      generation.value_or(owner->id.generation) != owner->id.generation) {
    return std::nullopt;
  }
  auto file = kernel::open_regular_by_id(fs_.root.get(), fs_.style, owner->id);
  if (!file) {
    return std::nullopt;
  }
  owner->file = std::move(*file);
  return owner;
}

// What inode tables and BULKSTAT tell without touching the inode itself. Opening it by its generation proves that it is
// still the same, whose type never changes.
std::optional<OwnerFile> OwnerFiles::look_at(std::uint64_t inode) {
  if (inodes_ && inode <= std::numeric_limits<std::uint32_t>::max()) {
    const auto found = inodes_->read(static_cast<std::uint32_t>(inode));
    if (found && !found->hidden) {
      return OwnerFile{{inode, found->generation}, found->mode, found->links, {}};
    }
  } else if (fs_.xfs) {
    const auto found = kernel::bulkstat_one(fs_.root.get(), inode);
    if (found && *found) {
      return OwnerFile{{inode, (*found)->generation}, (*found)->mode, (*found)->links, {}};
    }
  }
  return std::nullopt;
}

Result<OwnerFile> OwnerFiles::open_by_type(kernel::InodeId id) {
  const auto path = kernel::open_path_by_id(fs_.root.get(), fs_.style, id);
  if (!path) {
    return tl::make_unexpected(path.error());
  }
  const auto same = identity_of(path->get(), id);
  if (!same) {
    return tl::make_unexpected(same.error());
  }
  struct stat status = {};
  if (fstat(path->get(), &status) < 0) {
    return fail_errno("fstat");
  }
  OwnerFile opened{*same, status.st_mode, status.st_nlink, {}};
  const bool fiemap_knows = S_ISREG(opened.mode) || (S_ISDIR(opened.mode) && fs_.style == kernel::HandleStyle::kExt4);
  if (fiemap_knows && !fs_.leased.contains(id.inode)) {
    auto file = kernel::open_behind_path(path->get());
    if (!file) {
      return tl::make_unexpected(file.error());
    }
    opened.file = std::move(*file);
  }
  return opened;
}

// On ext4 a generation of 0 stands for all. XFS compares it itself.
Result<kernel::InodeId> OwnerFiles::identity_of(int path_fd, const kernel::InodeId& wanted) const {
  if (fs_.style == kernel::HandleStyle::kXfs) {
    return wanted;
  }
  const auto identity = kernel::identify(path_fd);
  if (!identity) {
    return identity;
  }
  if (identity->inode != wanted.inode || (wanted.generation != 0 && wanted.generation != identity->generation)) {
    return fail(Errc::kStale, "generation");
  }
  return *identity;
}

Result<kernel::InodeId> OwnerFiles::find(std::uint64_t inode, std::optional<std::uint32_t> generation) const {
  if (generation || fs_.style == kernel::HandleStyle::kExt4) {
    return kernel::InodeId{inode, generation.value_or(0)};
  }
  const auto record = kernel::bulkstat_one(fs_.root.get(), inode);
  if (!record) {
    return tl::make_unexpected(record.error());
  }
  if (!*record) {
    return fail(Errc::kStale, "not in use");
  }
  return kernel::InodeId{inode, (*record)->generation};
}

}  // namespace pmend::rmap
