// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/inode_walk.hpp"

#include "pmend/kernel/bulkstat.hpp"

#include <sys/stat.h>

#include <string>

namespace pmend::rmap {
namespace {

Result<std::vector<kernel::FileExtent>> extents_of(const OpenFs& fs, const kernel::BulkstatRecord& record) {
  if (fs.leased.contains(record.inode)) {
    return fail(Errc::kRefused, "inode " + std::to_string(record.inode) + " is under a lease");
  }
  const auto fd = kernel::open_regular_by_id(fs.root.get(), fs.style, {record.inode, record.generation});
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  return kernel::fiemap(fd->get());
}

bool has_data(const kernel::BulkstatRecord& record) {
  return S_ISREG(record.mode) && record.blocks != 0 && !record.realtime;
}

}  // namespace

Result<WalkReport> walk_inodes(
    const OpenFs& fs, const std::function<void(std::uint64_t inode, const kernel::FileExtent& extent)>& visit) {
  WalkReport report;
  for (std::uint64_t next = 0; !report.stopped;) {
    const auto records = kernel::bulkstat_from(fs.root.get(), next);
    if (!records && next == 0) {
      return tl::make_unexpected(records.error());
    }
    if (!records) {
      report.skip(records.error().message());
      break;
    }
    if (records->empty()) {
      break;
    }
    for (const kernel::BulkstatRecord& record : *records) {
      const auto extents = has_data(record) ? extents_of(fs, record) : std::vector<kernel::FileExtent>();
      // Gone since: then it has nothing any more. Anything else is a file that was not seen.
      if (!extents && !extents.error().is_errno(ESTALE)) {
        report.skip(extents.error().message());
      }
      for (const kernel::FileExtent& extent : extents ? *extents : std::vector<kernel::FileExtent>()) {
        if (extent.has_device_range()) {
          visit(record.inode, extent);
        }
      }
    }
    next = records->back().inode + 1;
    report.stopped = fs.must_stop();
  }
  report.complete = report.complete && !report.stopped;
  return report;
}

}  // namespace pmend::rmap
