// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/block/sysfs.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What sysfs says of a block device. Nothing here opens the device or reads from its medium.
namespace pmend::block {

// What lies under a loop device (Documentation/ABI/testing/sysfs-block-loop).
struct LoopBacking {
  std::string file;              // raw bytes, as seen by who set it up; without the kernel's " (deleted)"
  std::uint64_t offset = 0;      // bytes of the file that are skipped
  std::uint64_t size_limit = 0;  // 0: to the end
  bool deleted = false;

  friend bool operator==(const LoopBacking&, const LoopBacking&) = default;
};

// Where a partition lies on its disk.
struct PartitionPlace {
  std::string disk;  // kernel name
  std::uint64_t number = 0;
  ByteRange disk_range;  // bytes of the disk
  std::string uuid;      // PARTUUID, empty if the kernel does not tell (before Linux 6.9): probe_partition_uuid()

  friend bool operator==(const PartitionPlace&, const PartitionPlace&) = default;
};

struct PartitionEntry {
  std::string name;
  ByteRange disk_range;

  friend bool operator==(const PartitionEntry&, const PartitionEntry&) = default;
};

// What tells one disk from another; for a partition, that of its disk.
struct DiskIdentity {
  std::string namespace_uuid;  // of an NVDIMM namespace, as ndctl list prints it
  std::string wwid;
  std::string dm_uuid;
  std::optional<LoopBacking> loop;
  std::optional<std::uint64_t> diskseq;  // counts up with every disk of this boot, never used twice

  friend bool operator==(const DiskIdentity&, const DiskIdentity&) = default;
};

struct BlockDevice {
  std::string name;       // of the kernel: "loop3", "nvme0n1p2"
  std::string node;       // "/dev/loop3"
  std::string directory;  // in sysfs, without links
  dev_t number = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t logical_block_bytes = 512;
  std::uint64_t physical_block_bytes = 512;
  // How much one WRITE ZEROES command of its queue takes; 0: it has none, or one was refused since it was set up. For a
  // partition, its disk's. Discards do not count, whatever they promise: discarded blocks may read as anything. The
  // attributes write_zeroes_unmap_max… (Linux 6.17) tell whether zeroing writes less, never that it takes more.
  std::uint64_t fast_zero_bytes = 0;
  bool dax = false;  // the medium can be mapped into memory
  bool read_only = false;
  DiskIdentity identity;
  std::optional<PartitionPlace> partition;  // it is one
  std::vector<PartitionEntry> partitions;   // it has some, in order of place
  std::vector<std::string> holders;         // devices built upon it: dm, md, bcache
  std::vector<std::string> slaves;          // devices it is built upon
  std::string dm_name;
  std::string md_level;                  // "raid1", … if it is an md array
  std::optional<std::string> badblocks;  // path of its list of bad sectors

  friend bool operator==(const BlockDevice&, const BlockDevice&) = default;
};

// Errors: kNotFound if sysfs does not have it (any more), kInvalid for a name that cannot be one.
Result<BlockDevice> read_device(const SystemRoots& roots, const std::string& name);
Result<BlockDevice> read_device(const SystemRoots& roots, dev_t number);

// By its node or any link to it. Errors: the errno (ENOENT: no such device); kInvalid if it is not a block device;
// kNotFound if sysfs does not have it.
Result<BlockDevice> find_device(const SystemRoots& roots, const std::string& node);

// "254:3", as sysfs and the device mapper write it.
std::optional<dev_t> parse_device_number(const std::string& text);

// /proc/sys/kernel/random/boot_id. Errors: the errno; kInvalid if it does not look like one.
Result<std::string> read_boot_id(const SystemRoots& roots);

// What plans, ledger and incidents know a device by, in order of preference: "ns:UUID" (NVDIMM namespace), "wwn:WWID",
// "dm:UUID", "loop:FILE@OFFSET:DISKSEQ:BOOTID", "seq:DISKSEQ:BOOTID" (nothing better: good until the device or the
// machine goes). A partition adds "/part:PARTUUID" or "/part:NUMBER@OFFSET" to its disk's; where the disk has only a
// sequence number it is "partuuid:PARTUUID". One line of printable UTF-8.
// Errors: kNotFound if nothing tells it from others.
Result<std::string> device_id(const BlockDevice& device, const std::string& boot_id);

}  // namespace pmend::block
