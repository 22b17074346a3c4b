// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/target.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/direct_io.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/kernel/processes.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

namespace pmend::repair {
namespace {

Result<kernel::HandleStyle> handle_style(const std::string& type) {
  if (type == "xfs") {
    return kernel::HandleStyle::kXfs;
  }
  if (type == "ext4") {
    return kernel::HandleStyle::kExt4;
  }
  return fail(Errc::kUnsupported, "files on " + type + " are not repaired");
}

constexpr std::chrono::milliseconds kLeasePause{5};
constexpr int kLooksForLease = 1000;

std::string name_of(const FileId& file) {
  return "inode " + std::to_string(file.inode) + " generation " + std::to_string(file.generation);
}

// The kernel's limits of a list of names and of a value (linux/limits.h).
constexpr std::size_t kXattrLimit = 65536;

Result<std::map<std::string, std::string>> read_xattrs(int fd) {
  std::string names(kXattrLimit, '\0');
  const ssize_t names_length = flistxattr(fd, names.data(), names.size());
  if (names_length < 0) {
    return fail_errno("flistxattr");
  }
  std::map<std::string, std::string> xattrs;
  std::string value(kXattrLimit, '\0');
  for (const char* name = names.data(); name < names.data() + names_length; name += std::string_view(name).size() + 1) {
    const ssize_t length = fgetxattr(fd, name, value.data(), value.size());
    if (length < 0) {
      return fail_errno(std::string("fgetxattr ") + name);
    }
    xattrs.emplace(name, value.substr(0, static_cast<std::size_t>(length)));
  }
  return xattrs;
}

// A write by somebody without CAP_FSETID clears set-user-ID and set-group-ID bits (inode(7)).
bool may_keep_setid() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  return syscall(SYS_capget, &header, sets.data()) == 0 && (sets[0].effective & (1U << CAP_FSETID)) != 0;
}

FileTime to_time(const timespec& time) {
  return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)};
}

std::string process_text(std::uint64_t pid, const std::string& comm) {
  return std::to_string(pid) + " (" + escape_bytes(comm) + ")";
}

// Only what is executable can be running: the walk through /proc is not for nothing.
std::vector<std::string> runners_text(const TargetFacts& facts) {
  std::vector<std::string> texts;
  if ((facts.attributes.mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0) {
    for (const kernel::Runner& runner : kernel::runners_of(facts.device, facts.inode)) {
      texts.push_back(process_text(static_cast<std::uint64_t>(runner.pid), runner.comm));
    }
  }
  return texts;
}

// The file that O_PATH stands for, opened for real.
Result<UniqueFd> reopen(const UniqueFd& path, OpenFor purpose) {
  const int access = purpose == OpenFor::kWriting ? O_RDWR : O_RDONLY;
  // O_NONBLOCK: the kernel would wait for somebody's lease much longer.
  return open_file("/proc/self/fd/" + std::to_string(path.get()), access | O_NONBLOCK | O_NOATIME | O_LARGEFILE);
}

// A lease of our own workers lasts for one write.
Result<UniqueFd> reopen_after_leases(const Place& place, const UniqueFd& path, const struct stat& status,
                                     OpenFor purpose) {
  for (int looks = 0; looks < kLooksForLease; ++looks) {
    if (!place.is_leased(status.st_dev, status.st_ino)) {
      auto opened = reopen(path, purpose);
      if (opened || !opened.error().is_errno(EWOULDBLOCK)) {
        return opened;
      }
    }
    std::this_thread::sleep_for(kLeasePause);
  }
  return fail_errno("somebody has a lease on the file", EWOULDBLOCK);
}

}  // namespace

Result<UniqueFd> open_target(const Place& place, const FileId& file, OpenFor purpose) {
  const auto style = handle_style(place.filesystem.type);
  if (!style) {
    return tl::make_unexpected(style.error());
  }
  const kernel::InodeId id{file.inode, static_cast<std::uint32_t>(file.generation)};
  const auto path = kernel::open_path_by_id(place.mount_fd, *style, id);
  if (!path) {
    return tl::make_unexpected(path.error());
  }
  struct stat status = {};
  if (fstat(path->get(), &status) < 0 || !S_ISREG(status.st_mode)) {
    return fail(Errc::kUnsupported, name_of(file) + " is not a regular file");
  }
  auto opened = reopen_after_leases(place, *path, status, purpose);
  if (!opened) {
    return wrap(opened.error(), name_of(file));
  }
  const auto found = kernel::identify(opened->get());
  if (!found) {
    return tl::make_unexpected(found.error());
  }
  if (found->inode != file.inode || found->generation != file.generation) {
    return fail(Errc::kStale, name_of(file) + " is another file now");
  }
  // One page is read at a time. Only advice: without it more is read.
  (void)posix_fadvise(opened->get(), 0, 0, POSIX_FADV_RANDOM);
  return opened;
}

Result<TargetFacts> basic_facts(int fd) {
  struct stat status = {};
  struct statvfs file_system = {};
  if (fstat(fd, &status) < 0 || fstatvfs(fd, &file_system) < 0) {
    return fail_errno("fstat");
  }
  TargetFacts facts;
  facts.device = status.st_dev;
  facts.inode = status.st_ino;
  facts.attributes = {status.st_uid, status.st_gid, status.st_mode, static_cast<std::uint64_t>(status.st_size)};
  facts.links = status.st_nlink;
  facts.modified = to_time(status.st_mtim);
  facts.changed = to_time(status.st_ctim);
  facts.block_bytes = file_system.f_bsize;
  facts.write_strips_setid = !may_keep_setid();
  return facts;
}

Result<TargetFacts> target_facts(const Place& place, int fd) {
  auto facts = basic_facts(fd);
  if (!facts) {
    return facts;
  }
  const auto kinds = kernel::file_facts(fd);
  if (!kinds) {
    return tl::make_unexpected(kinds.error());
  }
  auto xattrs = read_xattrs(fd);
  if (!xattrs) {
    return tl::make_unexpected(xattrs.error());
  }
  const auto alignment = kernel::direct_write_alignment(fd);
  if (!alignment) {
    return tl::make_unexpected(alignment.error());
  }
  auto kernel_user = place.kernel_user(facts->device, facts->inode);
  if (!kernel_user) {
    return tl::make_unexpected(kernel_user.error());
  }
  facts->kinds = *kinds;
  facts->xattrs = std::move(*xattrs);
  facts->direct_alignment = *alignment;
  facts->kernel_user = std::move(*kernel_user);
  facts->runners = runners_text(*facts);
  return facts;
}

std::string attributes_digest(const TargetFacts& facts) {
  std::string text = std::to_string(facts.attributes.mode) + " " + std::to_string(facts.attributes.uid) + " " +
                     std::to_string(facts.attributes.gid) + "\n";
  for (const auto& [name, value] : facts.xattrs) {
    text += std::to_string(name.size()) + " " + name + " " + std::to_string(value.size()) + " " + value + "\n";
  }
  return sha256_hex(text);
}

Result<std::string> extents_digest(int fd, const std::vector<ByteRange>& file_ranges, kernel::FiemapSync sync) {
  std::string text;
  for (const ByteRange& range : file_ranges) {
    const auto extents = kernel::fiemap(fd, range, sync);
    if (!extents) {
      return tl::make_unexpected(extents.error());
    }
    for (const kernel::FileExtent& extent : *extents) {
      // Cut to the range: what grows behind it is not of it.
      const ByteRange part = intersect(extent.file_range(), range).value_or(ByteRange());
      const std::uint64_t device_offset = extent.device_offset + (part.offset - extent.file_offset);
      text += to_string(part) + " " + std::to_string(device_offset) + " " + std::to_string(extent.flags) + "\n";
    }
  }
  return sha256_hex(text);
}

Result<std::vector<Piece>> pieces_of(int fd, const Place& place, const ByteRange& file_range) {
  const auto extents = kernel::fiemap(fd, file_range);
  if (!extents) {
    return tl::make_unexpected(extents.error());
  }
  std::vector<Piece> pieces;
  for (const kernel::FileExtent& extent : *extents) {
    const auto part = intersect(extent.file_range(), file_range);
    if (!part) {
      continue;
    }
    const std::uint64_t in_extent = part->offset - extent.file_offset;
    const std::uint64_t device_offset =
        extent.has_device_range() ? place.file_system_offset + extent.device_offset + in_extent : 0;
    pieces.push_back({*part, device_offset, extent});
  }
  return pieces;
}

std::optional<std::string> unusable_extent(const kernel::FileExtent& extent) {
  if (!extent.has_device_range()) {
    return "the file system does not say where these bytes lie (encoded, inline, or not yet allocated)";
  }
  if (extent.is_shared()) {
    return "the extent is shared with other files: writing through one of them would move it and leave the bad "
           "sector to the others";
  }
  if (extent.is_unwritten()) {
    return "the space is preallocated and holds no data: nothing can be lost there, and the first write of its owner "
           "clears it";
  }
  return std::nullopt;
}

Result<std::optional<std::string>> mapping_difference(int fd, const Place& place, const PlannedUnit& planned) {
  using Difference = std::optional<std::string>;
  for (const Mapping& mapping : planned.mappings) {
    const ByteRange file_range{mapping.file_offset, mapping.device_range.length};
    const auto pieces = pieces_of(fd, place, file_range);
    if (!pieces) {
      return tl::make_unexpected(pieces.error());
    }
    const std::string what = "file range " + to_string(file_range);
    if (pieces->size() != 1 || pieces->front().file_range != file_range) {
      return Difference(what + " is no single extent any more");
    }
    if (auto unusable = unusable_extent(pieces->front().extent)) {
      return Difference(what + ": " + *unusable);
    }
    if (pieces->front().device_range() != mapping.device_range) {
      return Difference(what + " lies at " + to_string(pieces->front().device_range()) + " of the device now");
    }
  }
  return Difference();
}

std::string users_text(const Place& place, const TargetFacts& facts) {
  std::string text;
  for (const OpenBy& opener : place.openers(facts.device, facts.inode)) {
    text += (text.empty() ? "" : ", ") + process_text(opener.pid, opener.comm);
  }
  if (facts.kernel_user) {
    text += (text.empty() ? "" : ", ") + *facts.kernel_user;
  }
  return text.empty() ? "somebody whom /proc does not show (in the kernel, or in another container)" : text;
}

}  // namespace pmend::repair
