// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/content.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <blkid/blkid.h>

#include <fcntl.h>

#include <memory>

namespace pmend::block {
namespace {

struct FreeProbe {
  void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<struct blkid_struct_probe, FreeProbe>;

// What blkid_do_safeprobe(3) returns.
constexpr int kNothingFound = 1;
constexpr int kAmbivalent = -2;

// Raw bytes: a label can hold anything but a trailing NUL.
std::string value_of(blkid_probe probe, const char* name) {
  const char* data = nullptr;
  std::size_t size = 0;
  if (blkid_probe_lookup_value(probe, name, &data, &size) != 0 || data == nullptr) {
    return {};
  }
  std::string value(data, size);
  return value.substr(0, value.find('\0'));
}

ContentKind kind_of(const std::string& usage, const std::string& type) {
  if (usage == "filesystem") {
    return ContentKind::kFileSystem;
  }
  if (usage == "crypto") {
    return ContentKind::kEncrypted;
  }
  if (type == "swap" || type == "swsuspend") {
    return ContentKind::kSwap;
  }
  if (type == "jbd" || type == "xfs_external_log") {
    return ContentKind::kJournal;
  }
  // "raid", and of "other" such as bcache.
  return ContentKind::kMember;
}

Result<Probe> open_probe(const UniqueFd& fd, const std::string& node) {
  Probe probe(blkid_new_probe());
  if (!probe) {
    return fail_errno("libblkid", ENOMEM);
  }
  errno = 0;
  if (blkid_probe_set_device(probe.get(), fd.get(), 0, 0) != 0) {
    return fail_errno("probe " + escape_bytes(node), errno != 0 ? errno : EIO);
  }
  return probe;
}

Content content_of(blkid_probe probe) {
  Content content;
  content.type = value_of(probe, "TYPE");
  if (content.type.empty()) {
    content.type = value_of(probe, "PTTYPE");
    content.uuid = value_of(probe, "PTUUID");
    content.kind = content.type.empty() ? ContentKind::kNone : ContentKind::kPartitionTable;
    return content;
  }
  content.kind = kind_of(value_of(probe, "USAGE"), content.type);
  content.uuid = value_of(probe, "UUID");
  content.label = value_of(probe, "LABEL_RAW");
  return content;
}

}  // namespace

Result<Content> probe_content(const std::string& node) {
  const auto fd = open_file(node, O_RDONLY | O_NONBLOCK);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  auto probe = open_probe(*fd, node);
  if (!probe) {
    return tl::make_unexpected(probe.error());
  }
  blkid_probe_enable_superblocks(probe->get(), 1);
  blkid_probe_set_superblocks_flags(probe->get(),
                                    BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABELRAW);
  blkid_probe_enable_partitions(probe->get(), 1);
  errno = 0;
  const int rc = blkid_do_safeprobe(probe->get());
  if (rc == kNothingFound) {
    return Content{};
  }
  if (rc == kAmbivalent) {
    return Content{ContentKind::kAmbiguous, "", "", ""};
  }
  if (rc != 0) {
    return fail_errno("probe " + escape_bytes(node), errno != 0 ? errno : EIO);
  }
  return content_of(probe->get());
}

Result<std::string> probe_partition_uuid(const std::string& disk_node, dev_t partition) {
  const auto fd = open_file(disk_node, O_RDONLY | O_NONBLOCK);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  const auto probe = open_probe(*fd, disk_node);
  if (!probe) {
    return tl::make_unexpected(probe.error());
  }
  const blkid_partlist list = blkid_probe_get_partitions(probe->get());
  const blkid_partition entry = list == nullptr ? nullptr : blkid_partlist_devno_to_partition(list, partition);
  const char* uuid = entry == nullptr ? nullptr : blkid_partition_get_uuid(entry);
  return uuid == nullptr ? "" : uuid;
}

}  // namespace pmend::block
