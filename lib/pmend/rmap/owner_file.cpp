// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/owner_file.hpp"

#include "pmend/kernel/bulkstat.hpp"

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
  const auto id = regular_file(inode);
  if (!id || generation.value_or(id->generation) != id->generation || fs_.leased.contains(inode)) {
    return std::nullopt;
  }
  auto file = kernel::open_regular_by_id(fs_.root.get(), fs_.style, *id);
  OwnerFile opened{*id, {}, {}};
  if (!file || fstat(file->get(), &opened.status) < 0 || !S_ISREG(opened.status.st_mode)) {
    return std::nullopt;
  }
  opened.file = std::move(*file);
  return opened;
}

// What inode tables and BULKSTAT tell without touching the inode itself.
std::optional<kernel::InodeId> OwnerFiles::regular_file(std::uint64_t inode) {
  mode_t mode = 0;
  kernel::InodeId id{inode, 0};
  if (inodes_ && inode <= std::numeric_limits<std::uint32_t>::max()) {
    const auto found = inodes_->read(static_cast<std::uint32_t>(inode));
    mode = found && !found->hidden ? found->mode : 0;
    id.generation = found ? found->generation : 0;
  } else if (fs_.xfs) {
    const auto found = kernel::bulkstat_one(fs_.root.get(), inode);
    mode = found && *found ? (*found)->mode : 0;
    id.generation = found && *found ? (*found)->generation : 0;
  }
  return S_ISREG(mode) && id.generation != 0 ? std::optional(id) : std::nullopt;
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
  OwnerFile opened{*same, {}, {}};
  if (fstat(path->get(), &opened.status) < 0) {
    return fail_errno("fstat");
  }
  const mode_t mode = opened.status.st_mode;
  const bool fiemap_knows = S_ISREG(mode) || (S_ISDIR(mode) && fs_.style == kernel::HandleStyle::kExt4);
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
