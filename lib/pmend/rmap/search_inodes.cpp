// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/bulkstat.hpp"
#include "pmend/rmap/extent_search.hpp"
#include "pmend/rmap/tree_walk.hpp"

namespace pmend::rmap {
namespace {

constexpr const char* kHiddenHere =
    "in use, but by no file's data: metadata, a directory or attributes, which XFS without rmapbt does not tell apart";

Status ask_inode(const OpenFs& fs, const kernel::BulkstatRecord& record, ExtentSearch& search) {
  if (fs.leased.contains(record.inode)) {
    return fail(Errc::kRefused, "inode " + std::to_string(record.inode) + " is under a lease");
  }
  const auto fd = kernel::open_by_id(fs.root.get(), fs.style, {record.inode, record.generation});
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  struct stat status = {};
  if (fstat(fd->get(), &status) < 0) {
    return fail_errno("fstat inode " + std::to_string(record.inode));
  }
  return search.ask(fd->get(), status, kByBulkstat);
}

bool has_data(const kernel::BulkstatRecord& record) {
  return S_ISREG(record.mode) && record.blocks != 0 && !record.realtime;
}

}  // namespace

SearchResult search_inodes(const OpenFs& fs, const RangeSet& wanted) {
  ExtentSearch search(wanted, fs.xfs && fs.xfs->reflink);
  WalkReport report;
  std::string why = kHiddenHere;
  for (std::uint64_t next = 0; !search.done();) {
    const auto records = kernel::bulkstat_from(fs.root.get(), next);
    if (!records || fs.must_stop()) {
      why = records ? "the search was stopped before all inodes were seen" : records.error().message();
      break;
    }
    if (records->empty()) {
      break;
    }
    for (const kernel::BulkstatRecord& record : *records) {
      if (!has_data(record)) {
        continue;
      }
      // Gone since: then it has nothing any more. Anything else is a file that was not seen.
      if (const auto asked = ask_inode(fs, record, search); !asked && !asked.error().is_errno(ESTALE)) {
        report.skip(asked.error().message());
      }
    }
    next = records->back().inode + 1;
  }
  for (const std::string& skipped : report.skipped) {
    why += "; not seen: " + skipped;
  }
  return {search.take_claims(), search.missing(), why};
}

}  // namespace pmend::rmap
