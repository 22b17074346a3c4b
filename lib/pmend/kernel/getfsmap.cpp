// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/getfsmap.hpp"

#include <linux/fsmap.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>

namespace pmend::kernel {
namespace {

// The kernel allocates and clears as many as it is asked for: few where few are to be expected.
constexpr std::uint32_t kFewRecords = 32;
constexpr std::uint32_t kManyRecords = 1024;
constexpr std::uint64_t kSmallBytes = 1U << 20U;

constexpr std::uint64_t owner_code(std::uint64_t type, std::uint64_t code) {
  return (type << 32U) | code;
}

// fs/xfs/libxfs/xfs_fs.h and fs/ext4/fsmap.h: the codes behind the generic three.
constexpr std::uint64_t kXfs = 'X';
constexpr std::uint64_t kExt4 = 'f';

struct Name {
  std::uint64_t owner;
  const char* text;
};

constexpr Name kNames[] = {
    {FMR_OWN_FREE, "free space"},
    {FMR_OWN_UNKNOWN, "unknown"},
    {FMR_OWN_METADATA, "metadata"},
    {owner_code(kXfs, 1), "static file system metadata"},
    {owner_code(kXfs, 2), "journal"},
    {owner_code(kXfs, 3), "per-AG metadata"},
    {owner_code(kXfs, 4), "inode btree"},
    {owner_code(kXfs, 5), "inodes"},
    {owner_code(kXfs, 6), "reference count btree"},
    {owner_code(kXfs, 7), "copy-on-write staging"},
    {owner_code(kXfs, 8), "defective"},
    {owner_code(kExt4, 1), "group descriptors"},
    {owner_code(kExt4, 2), "reserved group descriptors"},
    {owner_code(kExt4, 3), "block bitmap"},
    {owner_code(kExt4, 4), "inode bitmap"},
};

// new_encode_dev(): minor bits 0-7 and 20-31, major bits 8-19.
std::uint32_t encode(dev_t device) {
  const std::uint32_t low = minor(device) & 0xFFU;
  return low | (major(device) << 8U) | ((minor(device) & ~0xFFU) << 12U);
}

class RecordsRequest {
 public:
  RecordsRequest(dev_t device, const ByteRange& range)
      : RecordsRequest(device, range, range.length <= kSmallBytes ? kFewRecords : kManyRecords) {}

  struct fsmap_head* get() {
    return head_;
  }
  const struct fsmap& record(std::uint32_t i) const { return head_->fmh_recs[i]; }
  // Continues behind the last record (fsmap_advance() in linux/fsmap.h).
  void advance() { head_->fmh_keys[0] = head_->fmh_recs[head_->fmh_entries - 1]; }

 private:
  RecordsRequest(dev_t device, const ByteRange& range, std::uint32_t records)
      : memory_(sizeof(struct fsmap_head) + records * sizeof(struct fsmap)) {
    head_ = new (memory_.data()) fsmap_head();
    head_->fmh_count = records;
    head_->fmh_keys[0].fmr_device = encode(device);
    head_->fmh_keys[0].fmr_physical = range.offset;
    struct fsmap& high = head_->fmh_keys[1];
    // With "any device" here the kernel ignores the high offset and walks to the end of the file system.
    high.fmr_device = encode(device);
    high.fmr_flags = std::numeric_limits<std::uint32_t>::max();
    high.fmr_physical = range.end() - 1;
    high.fmr_owner = std::numeric_limits<std::uint64_t>::max();
    high.fmr_offset = std::numeric_limits<std::uint64_t>::max();
  }

  std::vector<std::byte> memory_;
  struct fsmap_head* head_;
};

FsmapRecord to_record(const struct fsmap& r, bool device_is_number) {
  FsmapRecord record;
  const std::uint32_t d = r.fmr_device;
  record.device = device_is_number ? makedev((d & 0xFFF00U) >> 8U, (d & 0xFFU) | ((d >> 12U) & 0xFFF00U)) : 0;
  record.device_offset = r.fmr_physical;
  record.length = r.fmr_length;
  record.owner = r.fmr_owner;
  record.file_offset = r.fmr_offset;
  record.flags = r.fmr_flags & ~static_cast<std::uint32_t>(FMR_OF_LAST);
  return record;
}

}  // namespace

bool FsmapRecord::is_special() const {
  return (flags & FMR_OF_SPECIAL_OWNER) != 0;
}
bool FsmapRecord::is_free() const {
  return is_special() && owner == FMR_OWN_FREE;
}
bool FsmapRecord::is_unknown() const {
  return is_special() && owner == FMR_OWN_UNKNOWN;
}
bool FsmapRecord::is_unwritten() const {
  return (flags & FMR_OF_PREALLOC) != 0;
}
bool FsmapRecord::is_attribute_fork() const {
  return (flags & FMR_OF_ATTR_FORK) != 0;
}
bool FsmapRecord::is_extent_map() const {
  return (flags & FMR_OF_EXTENT_MAP) != 0;
}
bool FsmapRecord::is_shared() const {
  return (flags & FMR_OF_SHARED) != 0;
}

const char* special_owner_name(std::uint64_t owner) {
  for (const Name& name : kNames) {
    if (name.owner == owner) {
      return name.text;
    }
  }
  return "unnamed metadata";
}

Result<std::vector<FsmapRecord>> getfsmap(int fd, const ByteRange& device_range) {
  std::vector<FsmapRecord> records;
  if (device_range.empty()) {
    return records;
  }
  struct stat status = {};
  if (fstat(fd, &status) < 0) {
    return fail_errno("fstat for GETFSMAP");
  }
  RecordsRequest request(status.st_dev, device_range);
  while (true) {
    if (ioctl(fd, FS_IOC_GETFSMAP, request.get()) < 0) {
      return fail_errno("GETFSMAP " + to_string(device_range));
    }
    const std::uint32_t count = request.get()->fmh_entries;
    const bool device_is_number = (request.get()->fmh_oflags & FMH_OF_DEV_T) != 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const FsmapRecord record = to_record(request.record(i), device_is_number);
      // Records that only touch the keys are not ours.
      if (record.device_range().overlaps(device_range)) {
        records.push_back(record);
      }
    }
    if (count == 0 || (request.record(count - 1).fmr_flags & FMR_OF_LAST) != 0) {
      return records;
    }
    request.advance();
  }
}

}  // namespace pmend::kernel
