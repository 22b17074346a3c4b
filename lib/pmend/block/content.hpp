// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <sys/types.h>

#include <string>

// What the signatures on a device say that it holds, by libblkid. These functions READ THE MEDIUM (buffered): on one
// that may hang or fail call them in a short-lived child.
namespace pmend::block {

enum class ContentKind {
  kNone,  // no signature that is known
  kFileSystem,
  kSwap,
  kMember,     // part of something larger: LVM2_member, linux_raid_member, bcache, …
  kEncrypted,  // crypto_LUKS, BitLocker
  kJournal,    // of a file system elsewhere: jbd, xfs_external_log
  kPartitionTable,
  kAmbiguous,  // several that exclude each other
};

struct Content {
  ContentKind kind = ContentKind::kNone;
  std::string type;  // libblkid's name: "xfs", "swap", "LVM2_member", "gpt", …
  std::string uuid;
  std::string label;  // raw bytes

  friend bool operator==(const Content&, const Content&) = default;
};

// Errors: the errno of opening or reading.
Result<Content> probe_content(const std::string& node);

// PARTUUID of a partition, from the table on its disk; empty if it has none. Errors: the errno.
Result<std::string> probe_partition_uuid(const std::string& disk_node, dev_t partition);

}  // namespace pmend::block
