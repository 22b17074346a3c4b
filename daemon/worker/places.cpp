// SPDX-License-Identifier: Apache-2.0
#include "worker/places.hpp"

#include "pmend/base/text.hpp"
#include "pmend/block/storage_users.hpp"
#include "pmend/kernel/zeroinit.hpp"
#include "pmend/rmap/btrfs_places.hpp"
#include "pmend/rmap/leases.hpp"
#include "pmend/rmap/proc_files.hpp"
#include "worker/freeze_place.hpp"
#include "worker/lists.hpp"
#include "worker/machine_checks.hpp"
#include "worker/pmem.hpp"
#include "worker/reread.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

namespace pmend::worker {
namespace {

using protocol::ErrorCode;

// What is read anew each time that a step asks for the list: entries in order, as steps are, until reads that fail have
// taken so long. A medium that fails slowly must not hold up a job.
constexpr std::chrono::seconds kPlaceRereadLimit{2};

// A loop device of another mount namespace cannot be matched with its file from here; `rewrite` is safe from it all the
// same, because the kernel grants no write lease on the file of any loop device.
std::optional<std::string> kernel_user_of(const block::SystemRoots& roots, dev_t device, ino_t inode) {
  for (const block::StorageUser& user : block::read_storage_users(roots)) {
    if (user.uses_file(device, inode)) {
      return user.name;
    }
  }
  return std::nullopt;
}

std::vector<OpenBy> openers_of(const std::string& proc, dev_t device, ino_t inode) {
  const rmap::FileKey key{device, inode};
  auto found = rmap::find_openers(proc, {key});
  return found.contains(key) ? std::move(found.at(key)) : std::vector<OpenBy>();
}

// A process that runs the same program file, or that has just ended. Only root can see what others run.
bool runs_our_program(const std::string& proc, std::uint32_t pid) {
  struct stat ours {};
  struct stat theirs {};
  if (stat((proc + "/" + std::to_string(pid) + "/exe").c_str(), &theirs) < 0) {
    return errno == ENOENT || errno == ESRCH;
  }
  return stat((proc + "/self/exe").c_str(), &ours) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

void describe_file_system(repair::Place& place, const block::RangeContext& piece) {
  place.file_system_offset = piece.device_range.offset - piece.volume_range.offset;
  place.memory = piece.volume.device.dax;
  place.filesystem = *piece.volume.filesystem;
  place.forbidden = piece.volume.never_write;
}

// Borrows the descriptor of the device, as the place does.
std::function<Result<repair::BadList>()> list_reader(const ListPlace& list, const repair::Place& device,
                                                     const std::vector<ByteRange>& device_ranges) {
  if (!list.own) {
    return [list, bytes = device.device_bytes] { return read_bad_list(list, bytes); };
  }
  RangeSet wanted;
  for (const ByteRange& range : device_ranges) {
    wanted.insert(round_out(range, kRereadBytes));
  }
  return [own = *list.own, device, wanted] { return read_again(own, device, wanted, kPlaceRereadLimit); };
}

// Bad is what either list names.
std::function<Result<repair::BadList>()> both(std::function<Result<repair::BadList>()> device, RegionList region) {
  return [device = std::move(device), region = std::move(region)]() -> Result<repair::BadList> {
    auto list = device();
    const auto more = region();
    if (!list || !more) {
      return list ? tl::make_unexpected(more.error()) : list;
    }
    for (const ByteRange& range : more->bad.ranges()) {
      list->bad.insert(range);
    }
    if (!more->complete) {
      list->known_to = list->complete ? more->known_to : std::min(list->known_to, more->known_to);
    }
    list->complete = list->complete && more->complete;
    return list;
  };
}

}  // namespace

Result<block::BlockContext> find_context(const Setting& setting, const std::string& device,
                                         const std::string& device_id) {
  auto context = block::read_block_context(setting.roots, device);
  if (context && context->device_id != device_id) {
    return fail(Errc::kStale, device + " is " + context->device_id + " now, not " + device_id);
  }
  return context;
}

Result<block::BlockContext> context_of_file(const Setting& setting, const std::string& path) {
  const std::string shown = escape_bytes(path);
  struct stat status {};
  if (lstat(path.c_str(), &status) < 0) {
    return fail_errno("stat " + shown);
  }
  // The files of btrfs have device numbers of their own; a mount names one of its devices.
  for (const std::string& node : rmap::btrfs_nodes_of(path)) {
    auto context = block::read_block_context(setting.roots, node);
    if (context && context->whole.use == block::VolumeUse::kMounted) {
      return context;
    }
  }
  const auto device = block::read_device(setting.roots, status.st_dev);
  if (!device && S_ISBLK(status.st_mode)) {
    return fail(Errc::kInvalid, shown + " is a block device: name an offset and a length in it too");
  }
  if (!device) {
    return fail(Errc::kUnsupported, shown + " lies on no block device (its file system's number is " +
                                        std::to_string(major(status.st_dev)) + ":" +
                                        std::to_string(minor(status.st_dev)) + ")");
  }
  return block::read_block_context(setting.roots, device->node);
}

Result<OpenPlace> open_device(const block::BlockContext& context) {
  auto fd = open_file(context.device.node, O_RDONLY | O_DIRECT);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  OpenPlace open{std::move(*fd), UniqueFd(), {}};
  open.place.device = context.device.node;
  open.place.device_id = context.device_id;
  open.place.device_fd = open.device.get();
  open.place.device_bytes = context.device.size_bytes;
  open.place.block_bytes = context.device.logical_block_bytes;
  return open;
}

Result<OpenPlace> open_place(const Setting& setting, const block::BlockContext& context,
                             const std::vector<ByteRange>& device_ranges) {
  const auto list = list_of(setting, context.device, context.device_id);
  const auto pieces = block::locate(context, device_ranges.front());
  if (!list || pieces.empty() || pieces.front().volume.use != block::VolumeUse::kMounted) {
    return fail(Errc::kNotFound, "no mounted file system with a list of bad sectors at " +
                                     to_string(device_ranges.front()) + " of " + context.device.node);
  }
  auto open = open_device(context);
  auto mount = open_file(pieces.front().volume.mounts.front().target, O_RDONLY | O_DIRECTORY);
  if (!open || !mount) {
    return tl::make_unexpected(open ? mount.error() : open.error());
  }
  open->mount = std::move(*mount);
  repair::Place& place = open->place;
  place.mount_fd = open->mount.get();
  describe_file_system(place, pieces.front());
  if (auto why = why_not_cleared(setting, context.device)) {
    place.forbidden.push_back(std::move(*why));
  }
  place.list = list_reader(*list, place, device_ranges);
  const auto region = region_of(setting, context.device);
  if (region && region->list) {
    place.list = both(std::move(place.list), region->list);
  }
  if (region && place.memory && !region->physical.empty()) {
    place.memory_errors_kib = [setting, physical = region->physical] { return memory_errors_kib(setting, physical); };
  }
  if (list->source == kKernelList) {
    place.add_to_list = [path = list->path](const ByteRange& range) { return add_bad_range(path, range); };
  }
  place.knows_zeroinit = [directory = scratch_directory(setting.options)] { return kernel::knows_zeroinit(directory); };
  place.kernel_user = [roots = setting.roots](dev_t device, ino_t inode) -> Result<std::optional<std::string>> {
    return kernel_user_of(roots, device, inode);
  };
  place.openers = [proc = setting.roots.proc](dev_t device, ino_t inode) { return openers_of(proc, device, inode); };
  place.sees_all_processes = [proc = setting.roots.proc] { return rmap::sees_all_processes(proc); };
  place.is_leased = [proc = setting.roots.proc](dev_t device, ino_t inode) {
    return rmap::leased_inodes(proc, device).contains(inode);
  };
  place.is_own_worker = [proc = setting.roots.proc](std::uint32_t pid) { return runs_our_program(proc, pid); };
  place.freeze = freeze_place(setting, context, pieces.front(), place);
  return open;
}

protocol::ReplyError reply_error(const Error& error) {
  const auto code = [&error] {
    if (error.is(Errc::kInvalid)) {
      return ErrorCode::kInvalid;
    }
    if (error.is(Errc::kNotFound) || error.is_errno(ENOENT)) {
      return ErrorCode::kNotFound;
    }
    if (error.is(Errc::kStale) || error.is(Errc::kGone) || error.is_errno(ENODEV) || error.is_errno(ENXIO)) {
      return ErrorCode::kGone;
    }
    if (error.is(Errc::kUnsupported)) {
      return ErrorCode::kUnsupported;
    }
    if (error.is(Errc::kRefused)) {
      return ErrorCode::kRefused;
    }
    if (error.is_errno(EBUSY)) {
      return ErrorCode::kBusy;
    }
    return error.is(Errc::kTimedOut) ? ErrorCode::kTimedOut : ErrorCode::kInternal;
  }();
  return {code, error.message()};
}

}  // namespace pmend::worker
