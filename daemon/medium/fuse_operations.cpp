// SPDX-License-Identifier: Apache-2.0
#include "medium/fuse_operations.hpp"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <linux/falloc.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace pmend::medium {
namespace {

struct Entry {
  const char* name;
  File file;
  mode_t mode;
};

constexpr std::array<Entry, 6> kEntries{{{"disk.img", File::kDisk, S_IFREG | 0600},
                                         {"badblocks", File::kBadblocks, S_IFREG | 0644},
                                         {"poison", File::kPoison, S_IFREG | 0644},
                                         {"mode", File::kMode, S_IFREG | 0644},
                                         {"gate", File::kGate, S_IFREG | 0644},
                                         {"trace", File::kTrace, S_IFREG | 0444}}};

// A request that FUSE has to split turns an error in a later piece into a short write, which a loop device without
// direct I/O takes for a success: hence the largest requests there are, and max_sectors_kb <= 1024 on the loop device.
constexpr unsigned kMaxWrite = 1U << 20U;
// Asynchronous requests that may be out at a time. Parked and delayed ones count; at the default of 12 a dozen of them
// would stop all other I/O.
constexpr unsigned kMaxBackground = 4096;
constexpr double kAttributeSeconds = 1.0;
constexpr double kEntrySeconds = 3600.0;

FuseContext& context(fuse_req_t request) {
  return *static_cast<FuseContext*>(fuse_req_userdata(request));
}

// Only of the inodes in kEntries; FUSE_ROOT_ID never gets here.
File file_of(fuse_ino_t inode) {
  return static_cast<File>(inode);
}

int errno_for_user(const Error& error) {
  if (error.code.category() == std::system_category()) {
    return error.code.value();
  }
  return error.is(Errc::kRefused) ? EACCES : EINVAL;
}

struct stat directory_attributes() {
  struct stat attributes {};
  attributes.st_ino = FUSE_ROOT_ID;
  attributes.st_mode = S_IFDIR | 0755;
  attributes.st_nlink = 2;
  attributes.st_uid = getuid();
  attributes.st_gid = getgid();
  return attributes;
}

struct stat file_attributes(const Medium& medium, const Entry& entry) {
  struct stat attributes = directory_attributes();
  attributes.st_ino = static_cast<ino_t>(entry.file);
  attributes.st_mode = entry.mode;
  attributes.st_nlink = 1;
  attributes.st_blksize = 4096;
  attributes.st_size = static_cast<off_t>(medium.file_bytes(entry.file));
  return attributes;
}

struct stat attributes_of(fuse_req_t request, fuse_ino_t inode) {
  const auto entry = std::ranges::find(kEntries, file_of(inode), &Entry::file);
  return entry == kEntries.end() ? directory_attributes() : file_attributes(context(request).medium, *entry);
}

// The trace grows without the kernel knowing.
double attribute_seconds(fuse_ino_t inode) {
  return file_of(inode) == File::kTrace ? 0.0 : kAttributeSeconds;
}

void op_init(void*, fuse_conn_info* connection) {
  connection->max_write = kMaxWrite;
  connection->max_background = kMaxBackground;
  connection->congestion_threshold = kMaxBackground;
  // With it, O_TRUNC makes the kernel think that the disk is empty; without it, the kernel asks op_setattr().
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_ATOMIC_O_TRUNC);
}

void op_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  const auto entry = std::ranges::find_if(kEntries, [&](const Entry& e) { return std::string_view(e.name) == name; });
  if (parent != FUSE_ROOT_ID || entry == kEntries.end()) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  fuse_entry_param found{};
  found.ino = static_cast<fuse_ino_t>(entry->file);
  found.attr = file_attributes(context(request).medium, *entry);
  found.attr_timeout = attribute_seconds(found.ino);
  found.entry_timeout = kEntrySeconds;
  fuse_reply_entry(request, &found);
}

void op_getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  const struct stat attributes = attributes_of(request, inode);
  fuse_reply_attr(request, &attributes, attribute_seconds(inode));
}

// Truncation to nothing is what O_TRUNC asks for; as on a block device it is accepted and does nothing.
void op_setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int which, fuse_file_info*) {
  const struct stat attributes = attributes_of(request, inode);
  if ((which & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0) {
    fuse_reply_err(request, EPERM);
  } else if ((which & FUSE_SET_ATTR_SIZE) != 0 && wanted->st_size != 0 && wanted->st_size != attributes.st_size) {
    fuse_reply_err(request, EINVAL);
  } else {
    fuse_reply_attr(request, &attributes, attribute_seconds(inode));
  }
}

void op_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info*) {
  if (inode != FUSE_ROOT_ID) {
    fuse_reply_err(request, ENOTDIR);
    return;
  }
  std::vector<char> buffer(size);
  std::size_t used = 0;
  for (auto index = static_cast<std::size_t>(offset); index < kEntries.size() + 2; ++index) {
    const bool dots = index < 2;
    const char* name = dots ? (index == 0 ? "." : "..") : kEntries[index - 2].name;
    struct stat attributes {};
    attributes.st_ino = dots ? FUSE_ROOT_ID : static_cast<ino_t>(kEntries[index - 2].file);
    attributes.st_mode = dots ? S_IFDIR : S_IFREG;
    const std::size_t length =
        fuse_add_direntry(request, buffer.data() + used, size - used, name, &attributes, static_cast<off_t>(index + 1));
    if (length > size - used) {
      break;
    }
    used += length;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void op_open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  // No page cache: poison and control text are seen at once, and a loop device accepts direct I/O.
  info->direct_io = 1;
  info->fh = context(request).files.open(file_of(inode));
  fuse_reply_open(request, info);
}

void op_release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  context(request).files.close(info->fh);
  fuse_reply_err(request, 0);
}

void reply_text(fuse_req_t request, const Result<std::string>& text) {
  if (text) {
    fuse_reply_buf(request, text->data(), text->size());
  } else {
    fuse_reply_err(request, errno_for_user(text.error()));
  }
}

void read_disk(fuse_req_t request, std::size_t size, std::uint64_t offset) {
  Medium& medium = context(request).medium;
  const auto range = intersect({offset, size}, {0, medium.file_bytes(File::kDisk)});
  if (!range) {
    fuse_reply_buf(request, nullptr, 0);
    return;
  }
  medium.submit({Operation::kRead, *range, {}}, [request](const Reply& reply) {
    if (reply.error != 0) {
      fuse_reply_err(request, reply.error);
    } else {
      fuse_reply_buf(request, reinterpret_cast<const char*>(reply.data.data()), reply.data.size());
    }
  });
}

void op_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t signed_offset, fuse_file_info* info) {
  const File file = file_of(inode);
  const auto offset = static_cast<std::uint64_t>(signed_offset);
  const auto& [medium, files] = context(request);
  if (file == File::kDisk) {
    read_disk(request, size, offset);
  } else if (file == File::kTrace) {
    reply_text(request, medium.read_trace(offset, size));
  } else {
    reply_text(request, files.read(info->fh, offset, size, [&, &m = medium] { return m.text(file); }));
  }
}

void write_disk(fuse_req_t request, std::span<const std::byte> data, std::uint64_t offset) {
  Medium& medium = context(request).medium;
  const std::uint64_t bytes = medium.file_bytes(File::kDisk);
  if (offset > bytes || data.size() > bytes - offset) {
    fuse_reply_err(request, ENOSPC);
    return;
  }
  if (data.empty()) {
    fuse_reply_write(request, 0);
    return;
  }
  medium.submit({Operation::kWrite, {offset, data.size()}, data}, [request, size = data.size()](const Reply& reply) {
    if (reply.error != 0) {
      fuse_reply_err(request, reply.error);
    } else {
      fuse_reply_write(request, size);
    }
  });
}

void op_write(fuse_req_t request, fuse_ino_t inode, const char* buffer, size_t size, off_t offset, fuse_file_info*) {
  if (file_of(inode) == File::kDisk) {
    write_disk(request, std::as_bytes(std::span(buffer, size)), static_cast<std::uint64_t>(offset));
    return;
  }
  const auto written = context(request).medium.write_text(file_of(inode), std::string_view(buffer, size));
  if (written) {
    fuse_reply_write(request, size);
  } else {
    fuse_reply_err(request, errno_for_user(written.error()));
  }
}

// A loop device sends BLKZEROOUT as ZERO_RANGE|KEEP_SIZE and BLKDISCARD as PUNCH_HOLE|KEEP_SIZE.
void op_fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length, fuse_file_info*) {
  const bool zero = mode == (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
  const bool discard = mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
  if (file_of(inode) != File::kDisk || (!zero && !discard)) {
    fuse_reply_err(request, EOPNOTSUPP);
    return;
  }
  Medium& medium = context(request).medium;
  const auto range = make_byte_range(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length));
  if (!range || range->empty() || range->end() > medium.file_bytes(File::kDisk)) {
    fuse_reply_err(request, EINVAL);
    return;
  }
  medium.submit({zero ? Operation::kZero : Operation::kDiscard, *range, {}},
                [request](const Reply& reply) { fuse_reply_err(request, reply.error); });
}

void op_poll(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info, fuse_pollhandle* handle) {
  const File file = file_of(inode);
  const bool has_events = file == File::kBadblocks || file == File::kGate;
  unsigned events = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
  PollHandle poller(handle);
  if (has_events && context(request).files.poll(info->fh, std::move(poller))) {
    events |= POLLPRI | POLLERR;
  }
  fuse_reply_poll(request, events);
}

// Nothing to do: what a write has answered is in the page cache of the image's file system, which outlives this
// program. The medium promises nothing beyond that.
void op_fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
  fuse_reply_err(request, 0);
}

void op_statfs(fuse_req_t request, fuse_ino_t) {
  struct statvfs status {};
  // Becomes the discard_granularity of a loop device on disk.img: one sector can be zeroed.
  status.f_bsize = kSectorBytes;
  status.f_frsize = kSectorBytes;
  status.f_blocks = context(request).medium.file_bytes(File::kDisk) / kSectorBytes;
  status.f_namemax = 255;
  fuse_reply_statfs(request, &status);
}

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops operations{};
  operations.init = op_init;
  operations.lookup = op_lookup;
  operations.getattr = op_getattr;
  operations.setattr = op_setattr;
  operations.readdir = op_readdir;
  operations.open = op_open;
  operations.release = op_release;
  operations.read = op_read;
  operations.write = op_write;
  operations.fallocate = op_fallocate;
  operations.poll = op_poll;
  operations.fsync = op_fsync;
  operations.statfs = op_statfs;
  return operations;
}

}  // namespace

const fuse_lowlevel_ops& fuse_operations() {
  static const fuse_lowlevel_ops operations = make_operations();
  return operations;
}

}  // namespace pmend::medium
