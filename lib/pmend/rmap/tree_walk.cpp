// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/tree_walk.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/open_beneath.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include <cstring>
#include <memory>

namespace pmend::rmap {
namespace {

constexpr std::size_t kMaxSkippedTexts = 8;
constexpr unsigned kEntriesBetweenStops = 64;
constexpr int kOpenFlags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOATIME;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

bool is_dot(const char* name) {
  return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
}

unsigned char type_of(int directory_fd, const struct dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) {
    return entry.d_type;
  }
  struct stat status = {};
  if (fstatat(directory_fd, entry.d_name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
    return DT_LNK;  // gone, or not to be looked at: never opened
  }
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

class Walk {
 public:
  Walk(const OpenFs& fs, const Visit& visit) : fs_(fs), visit_(visit) {}

  WalkReport run() {
    struct stat status = {};
    const std::string none;
    if (fstat(fs_.root.get(), &status) < 0) {
      report_.skip(fail_errno("fstat of the root").value().message());
      return report_;
    }
    if (!visit({fs_.root.get(), none, ".", status.st_ino, DT_DIR, status.st_ino})) {
      return report_;
    }
    pending_.emplace_back();
    while (!pending_.empty() && !ended_) {
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      read_directory(path);
    }
    return report_;
  }

 private:
  void read_directory(const std::string& path) {
    const Status read = visit_directory(
        fs_, path, [this](const TreeEntry& entry) { return take(entry) ? WalkNext::kGoOn : WalkNext::kEnd; });
    if (!read) {
      report_.skip(read.error().message());
    }
  }

  // False ends the walk.
  bool take(const TreeEntry& entry) {
    if (!visit(entry)) {
      return false;
    }
    if (entry.type != DT_DIR) {
      return true;
    }
    std::string below = entry.path();
    if (below.size() >= PATH_MAX) {
      report_.skip("a path longer than " + std::to_string(PATH_MAX - 1) + " bytes");
    } else {
      pending_.push_back(std::move(below));
    }
    return true;
  }

  bool visit(const TreeEntry& entry) {
    if (++visited_ % kEntriesBetweenStops == 0 && fs_.must_stop()) {
      report_.stopped = true;
      report_.complete = false;
      ended_ = true;
    } else if (visit_(entry) == WalkNext::kEnd) {
      report_.complete = false;
      ended_ = true;
    }
    return !ended_;
  }

  const OpenFs& fs_;
  const Visit& visit_;
  WalkReport report_;
  std::vector<std::string> pending_;
  unsigned visited_ = 0;
  bool ended_ = false;
};

}  // namespace

void WalkReport::skip(std::string what) {
  complete = false;
  if (skipped.size() < kMaxSkippedTexts) {
    skipped.push_back(std::move(what));
  }
}

WalkReport walk_tree(const OpenFs& fs, const Visit& visit) {
  return Walk(fs, visit).run();
}

Status visit_directory(const OpenFs& fs, const std::string& path, const Visit& visit) {
  // What is mounted over the directory is another file system's business, but what it covers stays unseen.
  auto fd = kernel::open_beneath(fs.root.get(), path.empty() ? "." : path, kOpenFlags | O_DIRECTORY);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  const Directory directory(fdopendir(fd->get()));
  if (!directory) {
    return fail_errno("fdopendir " + escape_bytes(path));
  }
  fd->release();
  const int directory_fd = dirfd(directory.get());
  struct stat status = {};
  if (fstat(directory_fd, &status) < 0) {
    return fail_errno("fstat " + escape_bytes(path));
  }
  for (errno = 0; const struct dirent* raw = readdir(directory.get()); errno = 0) {
    if (!is_dot(raw->d_name) && visit({directory_fd, path, raw->d_name, raw->d_ino, type_of(directory_fd, *raw),
                                       status.st_ino}) == WalkNext::kEnd) {
      return {};
    }
  }
  return errno == 0 ? Status() : Status(fail_errno("readdir " + escape_bytes(path)));
}

Result<UniqueFd> open_entry(const OpenFs& fs, const TreeEntry& entry) {
  if (fs.leased.contains(entry.inode)) {
    return fail(Errc::kRefused, escape_bytes(entry.path()) + " is under a lease");
  }
  auto fd = kernel::open_beneath(entry.directory_fd, entry.name, kOpenFlags);
  if (!fd) {
    return wrap(fd.error(), "in " + escape_bytes(entry.directory));
  }
  struct stat status = {};
  if (fstat(fd->get(), &status) < 0) {
    return fail_errno("fstat " + escape_bytes(entry.path()));
  }
  if (status.st_dev != fs.mounted.device || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) {
    return fail(Errc::kStale, escape_bytes(entry.path()) + " has changed");
  }
  return fd;
}

}  // namespace pmend::rmap
