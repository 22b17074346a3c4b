// SPDX-License-Identifier: Apache-2.0
#include "worker/files.hpp"

#include "pmend/kernel/handles.hpp"
#include "pmend/rmap/list_files.hpp"
#include "pmend/rmap/names.hpp"
#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/proc_files.hpp"
#include "worker/owners.hpp"
#include "worker/places.hpp"

#include <algorithm>
#include <utility>

namespace pmend::worker {
namespace {

// Of names in one answer, which is several messages.
constexpr std::size_t kMostNameBytes = 256U << 10U;

std::vector<block::Volume> volumes_of(const block::BlockContext& context) {
  std::vector<block::Volume> volumes = {context.whole};
  volumes.insert(volumes.end(), context.partitions.begin(), context.partitions.end());
  return volumes;
}

bool is_mounted(const block::Volume& volume) {
  return volume.use == block::VolumeUse::kMounted && volume.filesystem && !volume.mounts.empty();
}

// The number of an inode that was freed is another file's later.
bool is_there(const rmap::OpenFs& fs, const FileId& file) {
  return kernel::open_path_by_id(fs.root.get(), fs.style, {file.inode, static_cast<std::uint32_t>(file.generation)})
      .has_value();
}

protocol::OpenersReply openers_on(const rmap::OpenFs& fs, const std::string& proc, const std::vector<FileId>& files) {
  std::set<rmap::FileKey> keys;
  for (const FileId& file : files) {
    keys.insert({fs.mounted.device, file.inode});
  }
  auto found = rmap::find_openers(proc, keys);
  protocol::OpenersReply reply;
  for (const FileId& file : files) {
    if (!is_there(fs, file)) {
      continue;
    }
    std::vector<OpenBy> processes = found[{fs.mounted.device, file.inode}];
    processes.resize(std::min(processes.size(), kMostOpeners));
    reply.files.push_back({file, std::move(processes)});
  }
  return reply;
}

// Adds the files of one volume; true if there are more of them.
bool add_files(const Setting& setting, const block::Volume& volume, protocol::FilesPlace& place, std::size_t room,
               protocol::FilesReply& reply) {
  rmap::ResolveOptions options;
  options.proc = setting.roots.proc;
  const rmap::MountedFileSystem fs = mounted(volume);
  const auto listed = rmap::list_files(fs, options, place.after ? place.after->bytes : "", room);
  if (!listed) {
    reply.not_seen.push_back(listed.error().message());
    return false;
  }
  for (const std::string& name : listed->names) {
    reply.files.push_back({rmap::absolute_path(fs.ref.mount_point, name)});
  }
  reply.not_seen.insert(reply.not_seen.end(), listed->not_seen.begin(), listed->not_seen.end());
  if (listed->more) {
    place.after = FilePath{listed->names.back()};
  }
  return listed->more;
}

}  // namespace

Result<protocol::OpenersReply> openers(const Setting& setting, const protocol::OpenersRequest& request) {
  const auto context = find_context(setting, request.device, request.device_id);
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  for (const block::Volume& volume : volumes_of(*context)) {
    if (!is_mounted(volume) || volume.filesystem->uuid != request.filesystem) {
      continue;
    }
    const auto fs = rmap::open_fs(mounted(volume), {});
    if (!fs) {
      return tl::make_unexpected(fs.error());
    }
    return openers_on(*fs, setting.roots.proc, request.files);
  }
  return fail(Errc::kNotFound, "mounted file system " + request.filesystem + " on " + request.device);
}

Result<protocol::FilesReply> files(const Setting& setting, const protocol::FilesRequest& request) {
  const auto context = find_context(setting, request.device, request.device_id);
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  const std::vector<block::Volume> volumes = volumes_of(*context);
  protocol::FilesReply reply;
  protocol::FilesPlace place = request.from.value_or(protocol::FilesPlace{});
  // One volume an answer: the next one begins with room for all of its own.
  for (; place.volume < volumes.size(); place = {place.volume + 1, {}}) {
    if (!is_mounted(volumes[place.volume])) {
      continue;
    }
    if (!add_files(setting, volumes[place.volume], place, kMostNameBytes, reply)) {
      place = {place.volume + 1, {}};
    }
    if (place.volume < volumes.size()) {
      reply.next = place;
    }
    return reply;
  }
  return reply;
}

}  // namespace pmend::worker
