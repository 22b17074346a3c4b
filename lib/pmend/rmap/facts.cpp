// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/facts.hpp"

#include "pmend/kernel/handles.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/names.hpp"
#include "pmend/rmap/proc_files.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace pmend::rmap {
namespace {

// A range and its owners are one element of a message of 64 KiB. All attributes that go along with one owner, and all
// names that go along with one range, as JSON; many owners leave less room for names.
constexpr std::size_t kMaxXattrBytes = 16U * 1024U;
constexpr std::size_t kMaxNameBytes = 24U * 1024U;
constexpr std::size_t kRoomOfOwner = 128;
constexpr int kXattrTries = 4;

struct FileReport {
  struct stat status = {};
  std::optional<std::vector<Xattr>> xattrs;
};

// listxattr(2) and getxattr(2) with room for what is there; a value can grow between asking its size and reading it.
template <class Call>
std::optional<std::string> read_growing(const Call& call) {
  for (int i = 0; i < kXattrTries; ++i) {
    const ssize_t size = call(nullptr, 0);
    if (size < 0 || static_cast<std::size_t>(size) > kMaxXattrBytes) {
      return std::nullopt;
    }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    const ssize_t got = size == 0 ? 0 : call(bytes.data(), bytes.size());
    if (got >= 0) {
      bytes.resize(static_cast<std::size_t>(got));
      return bytes;
    }
    if (errno != ERANGE) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Most names go into JSON as they are.
std::size_t json_bytes_of(const FilePath& path) {
  constexpr std::size_t kAround = std::string_view(R"({"text":""})").size();
  const bool plain =
      std::ranges::all_of(path.bytes, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  return plain ? kAround + path.bytes.size() : to_json_text(to_json(path)).size();
}

class Facts {
 public:
  Facts(const OpenFs& fs, const ResolveOptions& options, KnownNames known)
      : fs_(fs), options_(options), known_(std::move(known)) {}

  void collect(const std::vector<OwnedRange>& ranges) {
    for (const OwnedRange& range : ranges) {
      for (const Owner& owner : range.owners) {
        if (owner.file) {
          files_.push_back(*owner.file);
        }
      }
    }
    std::ranges::sort(files_);
    const auto same = std::ranges::unique(files_);
    files_.erase(same.begin(), same.end());
    if (wants(options_, protocol::Fact::kNames)) {
      collect_names();
    }
    if (wants(options_, protocol::Fact::kOpenBy) && !files_.empty()) {
      collect_openers();
    }
    if (needs_look()) {
      for (const FileId& file : files_) {
        reports_[file] = look_at(file);
      }
    }
  }

  void add_to(OwnedRange& range) const {
    std::size_t room = room_for_names(range);
    unsigned evidence = 0;
    for (Owner& owner : range.owners) {
      if (owner.file) {
        add_to(owner, room);
        const auto found = names_.by_inode.find(owner.file->inode);
        evidence |= found == names_.by_inode.end() || owner.paths.empty() ? 0 : found->second.evidence;
      }
    }
    std::ranges::move(evidence_names(evidence), std::back_inserter(range.evidence));
  }

  std::optional<ParentTable> take_table() { return std::move(names_.table); }

 private:
  void collect_names() {
    std::set<kernel::InodeId> unknown;
    for (const FileId& file : files_) {
      if (!known_.by_inode.contains(file.inode)) {
        unknown.insert(id_of(file));
      }
    }
    if (!unknown.empty()) {
      names_ =
          find_names(fs_, known_.parents, unknown, {options_.names_limit, known_.most_links, options_.only_names_by});
    }
    names_.by_inode.merge(known_.by_inode);
  }

  void collect_openers() {
    std::set<FileKey> keys;
    for (const FileId& file : files_) {
      keys.insert({fs_.mounted.device, file.inode});
    }
    openers_ = find_openers(options_.proc, keys);
  }

  // Takes from `room` what the names of the owner need.
  void add_to(Owner& owner, std::size_t& room) const {
    if (needs_look() && !add_report(owner)) {
      return;
    }
    if (wants(options_, protocol::Fact::kNames)) {
      add_names(owner, room);
    }
    if (wants(options_, protocol::Fact::kOpenBy)) {
      const auto found = openers_.find({fs_.mounted.device, owner.file->inode});
      owner.open_by = found == openers_.end() ? std::vector<OpenBy>() : found->second;
    }
  }

  // False if it is gone: then nothing is said of it.
  bool add_report(Owner& owner) const {
    const std::optional<FileReport>& report = reports_.at(*owner.file);
    if (report && wants(options_, protocol::Fact::kAttributes)) {
      owner.attributes = attributes_of(report->status);
    }
    if (report) {
      owner.xattrs = report->xattrs;
    }
    return report.has_value();
  }

  static kernel::InodeId id_of(const FileId& file) { return {file.inode, static_cast<std::uint32_t>(file.generation)}; }

  bool needs_look() const {
    return wants(options_, protocol::Fact::kAttributes) || wants(options_, protocol::Fact::kXattrs);
  }

  std::optional<FileReport> look_at(const FileId& id) const {
    const auto fd = kernel::open_path_by_id(fs_.root.get(), fs_.style, id_of(id));
    FileReport report;
    if (!fd || fstat(fd->get(), &report.status) < 0) {
      return std::nullopt;
    }
    if (wants(options_, protocol::Fact::kXattrs)) {
      report.xattrs = read_xattrs(fd->get());
    }
    return report;
  }

  void add_names(Owner& owner, std::size_t& room) const {
    const auto found = names_.by_inode.find(owner.file->inode);
    if (found == names_.by_inode.end()) {
      return;
    }
    add_paths(fs_.mounted.ref.mount_point, found->second.names, room, owner);
    const nlink_t links = found->second.links;
    owner.all_names = links != 0 && owner.paths.size() == links;
  }

  const OpenFs& fs_;
  const ResolveOptions& options_;
  KnownNames known_;
  std::vector<FileId> files_;                            // of all owners, each once
  std::map<FileId, std::optional<FileReport>> reports_;  // where they had to be looked at
  FoundNames names_;
  std::map<FileKey, std::vector<OpenBy>> openers_;
};

}  // namespace

bool wants(const ResolveOptions& options, protocol::Fact fact) {
  return std::ranges::find(options.facts, fact) != options.facts.end();
}

std::size_t room_for_names(const OwnedRange& range) {
  const std::size_t taken = range.owners.size() * kRoomOfOwner;
  return taken < kMaxNameBytes ? kMaxNameBytes - taken : 0;
}

void add_paths(const std::string& mount_point, const std::vector<std::string>& names, std::size_t& room, Owner& owner) {
  for (const std::string& name : names) {
    FilePath path{absolute_path(mount_point, name)};
    const std::size_t bytes = json_bytes_of(path) + 1;
    if (bytes > room) {
      break;
    }
    room -= bytes;
    owner.paths.push_back(std::move(path));
  }
}

FileAttributes attributes_of(const struct stat& status) {
  return {status.st_uid, status.st_gid, status.st_mode, static_cast<std::uint64_t>(status.st_size)};
}

std::optional<ParentTable> add_facts(const OpenFs& fs, const ResolveOptions& options, KnownNames known,
                                     std::vector<OwnedRange>& ranges) {
  Facts facts(fs, options, std::move(known));
  facts.collect(ranges);
  for (OwnedRange& range : ranges) {
    facts.add_to(range);
  }
  return facts.take_table();
}

std::optional<std::vector<Xattr>> read_xattrs(int fd) {
  // flistxattr(2) refuses O_PATH; the link in /proc does not.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const auto list = read_growing([&](char* buffer, std::size_t size) { return listxattr(path.c_str(), buffer, size); });
  if (!list) {
    return std::nullopt;
  }
  std::vector<Xattr> xattrs;
  std::size_t total = 0;
  for (std::size_t at = 0; at < list->size();) {
    const std::string name = list->c_str() + at;
    at += name.size() + 1;
    auto value = read_growing(
        [&](char* buffer, std::size_t size) { return getxattr(path.c_str(), name.c_str(), buffer, size); });
    if (!value || (total += name.size() + value->size()) > kMaxXattrBytes) {
      return std::nullopt;
    }
    xattrs.push_back({name, std::move(*value)});
  }
  return xattrs;
}

}  // namespace pmend::rmap
