// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/list_files.hpp"

#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/tree_walk.hpp"

#include <dirent.h>
#include <limits.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace pmend::rmap {
namespace {

// Of all directories that are open at once; a long one is read several times rather than kept.
constexpr std::size_t kMostHeldBytes = 4U << 20U;
constexpr std::size_t kLeastRoom = 16U << 10U;
constexpr std::size_t kEntryBytes = 64;  // what an entry takes besides its name
constexpr std::size_t kMostNotSeen = 8;

// The first names of a directory that come after a point, as many as there is room for.
struct Batch {
  std::map<std::string, bool> is_directory;  // by name
  std::size_t bytes = 0;
  bool whole = true;  // no name after these

  void add(std::string name, bool directory, std::size_t room) {
    if (!whole && name > is_directory.rbegin()->first) {
      return;
    }
    bytes += name.size() + kEntryBytes;
    is_directory.emplace(std::move(name), directory);
    while (bytes > room && is_directory.size() > 1) {
      const auto last = std::prev(is_directory.end());
      bytes -= last->first.size() + kEntryBytes;
      is_directory.erase(last);
      whole = false;
    }
  }
};

class Lister {
 public:
  Lister(const OpenFs& fs, std::size_t most_bytes) : fs_(fs), most_bytes_(most_bytes) {}

  FileNames list(const std::string& after) {
    list_directory("", after);
    return std::move(found_);
  }

 private:
  // What of the directory `path` comes after `after`, which is below it.
  void list_directory(const std::string& path, std::string_view after) {
    const std::size_t slash = after.find('/');
    const std::string first(after.substr(0, slash));
    const std::string_view rest = slash == std::string_view::npos ? std::string_view() : after.substr(slash + 1);
    std::string from = first;
    bool with_from = !rest.empty();
    for (bool whole = false; !whole && !found_.more; with_from = false) {
      const Batch batch = read(path, from, with_from);
      held_ += batch.bytes;
      for (const auto& [name, is_directory] : batch.is_directory) {
        if (found_.more) {
          break;
        }
        take(path.empty() ? name : path + "/" + name, is_directory, name == first ? rest : std::string_view());
        from = name;
      }
      held_ -= batch.bytes;
      whole = batch.whole;
    }
  }

  void take(std::string path, bool is_directory, std::string_view after) {
    if (is_directory && path.size() < PATH_MAX) {
      list_directory(path, after);
    } else if (is_directory) {
      not_seen("a path longer than " + std::to_string(PATH_MAX - 1) + " bytes");
    } else if (after.empty()) {  // else it was a directory when its first files were listed
      bytes_ += path.size();
      found_.names.push_back(std::move(path));
      found_.more = bytes_ >= most_bytes_;
    }
  }

  Batch read(const std::string& path, const std::string& from, bool with_from) {
    const std::size_t room = std::max(kLeastRoom, (kMostHeldBytes - std::min(held_, kMostHeldBytes)) / 2);
    Batch batch;
    const Status status = visit_directory(fs_, path, [&](const TreeEntry& entry) {
      const bool is_directory = entry.type == DT_DIR;
      std::string name = entry.name;
      if ((is_directory || entry.type == DT_REG) && (name > from || (with_from && name == from))) {
        batch.add(std::move(name), is_directory, room);
      }
      return WalkNext::kGoOn;
    });
    if (!status) {
      not_seen(status.error().message());
    }
    return batch;
  }

  void not_seen(std::string what) {
    if (found_.not_seen.size() < kMostNotSeen) {
      found_.not_seen.push_back(std::move(what));
    }
  }

  const OpenFs& fs_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::size_t held_ = 0;  // by batches that are being gone through
  FileNames found_;
};

}  // namespace

Result<FileNames> list_files(const MountedFileSystem& mounted, const ResolveOptions& options, const std::string& after,
                             std::size_t most_bytes) {
  const auto fs = open_fs(mounted, options);
  if (!fs) {
    return tl::make_unexpected(fs.error());
  }
  return Lister(*fs, most_bytes).list(after);
}

}  // namespace pmend::rmap
