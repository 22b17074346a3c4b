// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/text.hpp"
#include "pmend/rmap/extent_search.hpp"
#include "pmend/rmap/proc_files.hpp"
#include "pmend/rmap/tree_walk.hpp"

#include <dirent.h>
#include <fcntl.h>

namespace pmend::rmap {
namespace {

Status ask_entry(const OpenFs& fs, const TreeEntry& entry, ExtentSearch& search) {
  auto fd = open_entry(fs, entry);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  struct stat status = {};
  if (fstat(fd->get(), &status) < 0) {
    return fail_errno("fstat " + escape_bytes(entry.path()));
  }
  if (status.st_blocks == 0) {
    return {};
  }
  const auto asked = search.ask(fd->get(), status, kByWalk);
  return asked ? asked : wrap(asked.error(), escape_bytes(entry.path()));
}

// Files that are on no tree any more, but whose blocks are in use while a process has them open.
void ask_deleted_files(const OpenFs& fs, const std::string& proc, ExtentSearch& search) {
  for_each_open_file(proc, [&](const ProcFile& file) {
    if (file.status.st_dev != fs.mounted.device || file.status.st_nlink != 0 || !S_ISREG(file.status.st_mode) ||
        fs.leased.contains(file.status.st_ino) || search.done()) {
      return;
    }
    const auto fd = open_file(file.link, O_RDONLY | O_NONBLOCK | O_NOATIME);
    struct stat status = {};
    if (fd && fstat(fd->get(), &status) == 0 && status.st_dev == fs.mounted.device &&
        status.st_ino == file.status.st_ino) {
      // One that fails stays unfound, which is what the answer then says.
      [[maybe_unused]] const auto asked = search.ask(fd->get(), status, kByOpenFiles);
    }
  });
}

std::string why_missing(const WalkReport& report) {
  if (report.stopped) {
    return "the search was stopped before the whole tree was seen";
  }
  std::string why =
      "no file or directory of the tree has it: perhaps an extent tree, attribute or symbolic link "
      "block, a hidden inode, or freed a moment ago";
  for (const std::string& skipped : report.skipped) {
    why += "; not seen: " + skipped;
  }
  return why;
}

}  // namespace

SearchResult search_tree(const OpenFs& fs, const RangeSet& wanted, const std::string& proc) {
  ExtentSearch search(wanted);
  WalkReport failures;
  WalkReport report = walk_tree(fs, [&](const TreeEntry& entry) {
    // XFS does not map directories.
    if (entry.type == DT_REG || (entry.type == DT_DIR && !fs.xfs)) {
      if (const auto asked = ask_entry(fs, entry, search); !asked) {
        failures.skip(asked.error().message());
      }
    }
    // Of a shared extent all files have to be met.
    return search.done() && !fs.xfs ? WalkNext::kEnd : WalkNext::kGoOn;
  });
  for (const std::string& failure : failures.skipped) {
    report.skip(failure);
  }
  if (!search.done() && !report.stopped) {
    ask_deleted_files(fs, proc, search);
  }
  return {search.take_claims(), search.missing(), why_missing(report)};
}

}  // namespace pmend::rmap
