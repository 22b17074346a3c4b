// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/open_fs.hpp"

#include <sys/stat.h>

#include <string>
#include <vector>

// Where the file system cannot say who owns what, all its files are asked where they lie.
namespace pmend::rmap {

// Ranges whose owners are looked for, and the files found so far to have some of them.
class ExtentSearch {
 public:
  // `shareable`: several files may have one extent, so the search ends only when all files were asked.
  ExtentSearch(RangeSet wanted, bool shareable) : wanted_(std::move(wanted)), shareable_(shareable) {}

  // Asks one open file or directory for all its extents. `evidence` says how the file was found.
  // Errors: those of FIEMAP and of the file's handle.
  Status ask(int fd, const struct stat& status, unsigned evidence);

  bool done() const { return !shareable_ && missing_count() == 0; }
  // What nobody was found to have.
  RangeSet missing() const;
  std::vector<Claim> take_claims() { return std::move(claims_); }

 private:
  std::uint64_t missing_count() const { return wanted_.total_bytes() - found_.total_bytes(); }

  RangeSet wanted_;
  RangeSet found_;
  bool shareable_;
  std::vector<Claim> claims_;
};

struct SearchResult {
  std::vector<Claim> claims;
  RangeSet missing;         // no owner found
  std::string why_missing;  // for people
};

// One walk over the tree (ext4), then the deleted files that some process still has open.
SearchResult search_tree(const OpenFs& fs, const RangeSet& wanted, const std::string& proc);

// All inodes by number (XFS without rmapbt): finds deleted files too, and every owner of a shared extent.
SearchResult search_inodes(const OpenFs& fs, const RangeSet& wanted);

}  // namespace pmend::rmap
