// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/open_fs.hpp"

#include <sys/stat.h>

#include <string>
#include <vector>

// Where nothing else says who owns what, all files are asked where they lie.
namespace pmend::rmap {

// Ranges whose owners are looked for, and the files found so far to have some of them.
class ExtentSearch {
 public:
  explicit ExtentSearch(RangeSet wanted) : wanted_(std::move(wanted)) {}

  // Asks one open file or directory for all its extents. `evidence` says how the file was found.
  // Errors: those of FIEMAP and of the file's handle.
  Status ask(int fd, const struct stat& status, unsigned evidence);

  bool done() const { return wanted_.total_bytes() == found_.total_bytes(); }
  // What nobody was found to have.
  RangeSet missing() const;
  std::vector<Claim> take_claims() { return std::move(claims_); }

 private:
  RangeSet wanted_;
  RangeSet found_;
  std::vector<Claim> claims_;
};

struct SearchResult {
  std::vector<Claim> claims;
  RangeSet missing;         // no owner found
  std::string why_missing;  // for people
};

// One walk over the tree, where ext4's block device cannot be read; then the deleted files that some process still has
// open.
SearchResult search_tree(const OpenFs& fs, const RangeSet& wanted, const std::string& proc);

}  // namespace pmend::rmap
