// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/mounts.hpp"

#include <libmount/libmount.h>

#include <algorithm>
#include <memory>
#include <sstream>

namespace pmend::block {
namespace {

struct Unref {
  void operator()(struct libmnt_table* table) const { mnt_unref_table(table); }
  void operator()(struct libmnt_iter* iterator) const { mnt_free_iter(iterator); }
};

// libmount asks what to do with a line that it does not understand: 1 skips it.
int count_unreadable(struct libmnt_table* table, const char*, int) {
  ++*static_cast<std::size_t*>(mnt_table_get_userdata(table));
  return 1;
}

std::string text_of(const char* text) {
  return text == nullptr ? "" : text;
}

Mount to_mount(struct libmnt_fs* fs) {
  Mount mount;
  mount.id = mnt_fs_get_id(fs);
  mount.parent = mnt_fs_get_parent_id(fs);
  mount.device = mnt_fs_get_devno(fs);
  mount.root = text_of(mnt_fs_get_root(fs));
  mount.target = text_of(mnt_fs_get_target(fs));
  mount.type = text_of(mnt_fs_get_fstype(fs));
  mount.source = text_of(mnt_fs_get_source(fs));
  mount.vfs_options = text_of(mnt_fs_get_vfs_options(fs));
  mount.fs_options = text_of(mnt_fs_get_fs_options(fs));
  return mount;
}

bool lies_below(const std::string& path, const std::string& directory) {
  return directory == "/" || path == directory || path.starts_with(directory + "/");
}

// True if `other` was mounted on top of `mount`, or on a directory above it in the same mount.
bool covers(const Mount& other, const Mount& mount) {
  // The initial root file system is its own parent, and lies below everything.
  if (other.id == mount.id || other.id == other.parent) {
    return false;
  }
  if (other.parent == mount.id) {
    return other.target == mount.target;
  }
  return other.parent == mount.parent && lies_below(mount.target, other.target);
}

}  // namespace

Result<MountTable> read_mounts(const std::string& mountinfo) {
  MountTable result;
  const std::unique_ptr<struct libmnt_table, Unref> table(mnt_new_table());
  const std::unique_ptr<struct libmnt_iter, Unref> iterator(mnt_new_iter(MNT_ITER_FORWARD));
  if (!table || !iterator) {
    return fail_errno("libmount", ENOMEM);
  }
  mnt_table_set_userdata(table.get(), &result.unreadable);
  mnt_table_set_parser_errcb(table.get(), count_unreadable);
  if (const int rc = mnt_table_parse_file(table.get(), mountinfo.c_str()); rc != 0) {
    return rc < 0 ? fail_errno("read " + mountinfo, -rc) : fail(Errc::kInvalid, mountinfo + " is not a mountinfo");
  }
  struct libmnt_fs* fs = nullptr;
  while (mnt_table_next_fs(table.get(), iterator.get(), &fs) == 0) {
    result.mounts.push_back(to_mount(fs));
  }
  return result;
}

bool is_reachable(const MountTable& table, const Mount& mount) {
  const Mount* current = &mount;
  // Where `current` was reached from: stacked on its parent's root, a mount does not hide itself.
  int child = mount.id;
  // Bounded, as a table that was read while it changed can have a circle in it.
  for (std::size_t depth = 0; depth <= table.mounts.size(); ++depth) {
    const auto hides = [&](const Mount& other) { return other.id != child && covers(other, *current); };
    if (std::ranges::any_of(table.mounts, hides)) {
      return false;
    }
    const auto parent = std::ranges::find(table.mounts, current->parent, &Mount::id);
    if (parent == table.mounts.end() || parent->id == current->id) {
      return true;
    }
    child = current->id;
    current = &*parent;
  }
  return false;
}

std::optional<std::string> option_value(const std::string& options, const std::string& name) {
  std::istringstream words(options);
  for (std::string word; std::getline(words, word, ',');) {
    if (word == name) {
      return "";
    }
    if (word.starts_with(name + "=")) {
      return word.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

bool is_read_only(const Mount& mount) {
  return option_value(mount.vfs_options, "ro") || option_value(mount.fs_options, "ro");
}

bool has_data_journal(const Mount& mount) {
  return option_value(mount.fs_options, "data") == "journal";
}

}  // namespace pmend::block
