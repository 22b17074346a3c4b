// SPDX-License-Identifier: Apache-2.0
#include "support/oracle.hpp"

#include "medium/trace_reader.hpp"
#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/getfsmap.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <ostream>
#include <set>

namespace pmend::world {
namespace {

std::string extents_text(const std::vector<kernel::FileExtent>& extents) {
  std::string text;
  for (const kernel::FileExtent& e : extents) {
    text += (text.empty() ? "" : ", ") + to_string(e.file_range()) + "@" + std::to_string(e.device_offset) + "/" +
            std::to_string(e.flags);
    if (text.size() > 300) {
      return text + " …";
    }
  }
  return "[" + text + "]";
}

std::string octal(mode_t mode) {
  std::string text;
  for (mode_t rest = mode; rest != 0; rest >>= 3U) {
    text.insert(text.begin(), static_cast<char>('0' + (rest & 7U)));
  }
  return text;
}

class MetadataComparison {
 public:
  MetadataComparison(const Tree& tree, std::vector<Difference>& found) : tree_(tree), found_(found) {}

  void run(const FileModel& file) {
    for (const std::string& name : file.names) {
      compare_name(file, name);
    }
    if (readable_) {
      compare_xattrs(file);
      compare_extents(file);
    }
  }

 private:
  void compare_name(const FileModel& file, const std::string& name) {
    struct stat status {};
    readable_ = lstat((tree_.mount_point() + "/" + name).c_str(), &status) == 0;
    if (!readable_) {
      add(Wrong::kMissing, name, fail_errno("lstat").value().message());
      return;
    }
    check(Wrong::kInode, name, std::to_string(file.inode), std::to_string(status.st_ino));
    check(Wrong::kSize, name, std::to_string(file.size), std::to_string(status.st_size));
    check(Wrong::kMode, name, octal(file.mode), octal(status.st_mode));
    check(Wrong::kOwner, name, std::to_string(file.uid) + ":" + std::to_string(file.gid),
          std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid));
    check(Wrong::kLinkCount, name, std::to_string(file.names.size()), std::to_string(status.st_nlink));
  }

  void compare_xattrs(const FileModel& file) {
    const auto actual = read_xattrs(tree_.path(file));
    for (const auto& [name, value] : file.xattrs) {
      const auto found = actual.find(name);
      check(Wrong::kXattr, file.name(), name + "=" + escape_bytes(value),
            name + "=" + (found == actual.end() ? "(gone)" : escape_bytes(found->second)));
    }
    for (const auto& [name, value] : actual) {
      if (!file.xattrs.contains(name)) {
        add(Wrong::kXattr, file.name(), "unexpected " + name);
      }
    }
  }

  void compare_extents(const FileModel& file) {
    const UniqueFd fd = must(open_file(tree_.path(file), O_RDONLY));
    const auto actual = must(kernel::fiemap(fd.get()));
    if (actual != file.extents) {
      add(Wrong::kExtents, file.name(), "expected " + extents_text(file.extents) + ", got " + extents_text(actual));
    }
  }

  void check(Wrong wrong, const std::string& path, const std::string& expected, const std::string& actual) {
    if (expected != actual) {
      add(wrong, path, "expected " + expected + ", got " + actual);
    }
  }

  void add(Wrong wrong, const std::string& path, const std::string& what) { found_.push_back({wrong, path, {}, what}); }

  const Tree& tree_;
  std::vector<Difference>& found_;
  bool readable_ = false;
};

void find_extra_names(const Tree& tree, std::vector<Difference>& found) {
  std::set<std::string> known;
  for (const FileModel* file : tree.files()) {
    known.insert(file->names.begin(), file->names.end());
  }
  const std::string root = tree.mount_point() + "/";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.mount_point())) {
    const std::string name = entry.path().string().substr(root.size());
    if (!entry.is_directory() && !known.contains(name)) {
      found.push_back({Wrong::kExtra, name, {}, "nobody made it"});
    }
  }
}

}  // namespace

std::string to_string(Wrong wrong) {
  switch (wrong) {
    case Wrong::kByte:
      return "wrong bytes";
    case Wrong::kLost:
      return "lost bytes";
    case Wrong::kUnreadable:
      return "unreadable";
    case Wrong::kReadable:
      return "readable";
    case Wrong::kMissing:
      return "missing name";
    case Wrong::kExtra:
      return "extra name";
    case Wrong::kInode:
      return "other inode";
    case Wrong::kSize:
      return "size";
    case Wrong::kMode:
      return "mode";
    case Wrong::kOwner:
      return "owner";
    case Wrong::kLinkCount:
      return "link count";
    case Wrong::kXattr:
      return "extended attribute";
    case Wrong::kExtents:
      return "extents";
    case Wrong::kStrayWrite:
      return "stray write";
  }
  return "unknown";
}

std::string to_string(const Difference& difference) {
  std::string text = to_string(difference.wrong);
  text += difference.path.empty() ? "" : " in " + escape_bytes(difference.path);
  text += difference.range.empty() ? "" : " at " + to_string(difference.range);
  return text + ": " + difference.what;
}

std::ostream& operator<<(std::ostream& out, const Difference& difference) {
  return out << to_string(difference);
}

std::vector<Difference> compare(const Tree& tree) {
  std::vector<Difference> found;
  for (const FileModel* file : tree.files()) {
    MetadataComparison(tree, found).run(*file);
    const auto content = compare_content(tree, *file);
    found.insert(found.end(), content.begin(), content.end());
  }
  find_extra_names(tree, found);
  return found;
}

std::vector<Difference> stray_writes(const std::vector<medium::TraceRecord>& trace, const RangeSet& allowed) {
  std::vector<Difference> found;
  for (const medium::TraceRecord& record : trace) {
    for (const ByteRange& stray : allowed.missing(record.range)) {
      found.push_back({Wrong::kStrayWrite, "", stray, "by the request " + medium::to_string(record)});
    }
  }
  return found;
}

RangeSet metadata_ranges(const Tree& tree, std::uint64_t device_bytes) {
  RangeSet ranges({{0, device_bytes}});
  for (const FileModel* file : tree.files()) {
    const UniqueFd fd = must(open_file(tree.path(*file), O_RDONLY));
    for (const kernel::FileExtent& extent : must(kernel::fiemap(fd.get()))) {
      if (extent.has_device_range()) {
        ranges.erase(extent.device_range());
      }
    }
  }
  const UniqueFd root = must(open_file(tree.mount_point(), O_RDONLY | O_DIRECTORY));
  for (const kernel::FsmapRecord& record : must(kernel::getfsmap(root.get(), {0, device_bytes}))) {
    if (record.is_free()) {
      ranges.erase(record.device_range());
    }
  }
  return ranges;
}

}  // namespace pmend::world
