// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/quarantine.hpp"

#include "pmend/base/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace pmend::repair {
namespace {

Status sync_fd(int fd, const char* what) {
  if (fsync(fd) < 0) {
    return fail_errno(std::string("fsync ") + what);
  }
  return {};
}

UniqueFd open_quarantine(const Place& place) {
  return UniqueFd(openat(place.mount_fd, kQuarantineName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

std::string donor_name(const Mapping& mapping, std::string_view spool_key) {
  return "inode-" + std::to_string(mapping.file.inode) + "-at-" + std::to_string(mapping.file_offset) + "." +
         std::string(spool_key);
}

std::string_view spool_key_of(std::string_view donor_name) {
  const std::size_t dot = donor_name.find('.');
  return dot == std::string_view::npos ? std::string_view() : donor_name.substr(dot + 1);
}

Result<Quarantine> Quarantine::check(const Place& place, UniqueFd directory) {
  struct stat status = {};
  struct stat root = {};
  if (fstat(directory.get(), &status) < 0 || fstat(place.mount_fd, &root) < 0) {
    return fail_errno("fstat");
  }
  const bool alone = status.st_uid == geteuid() && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (!alone || status.st_dev != root.st_dev) {
    return fail(Errc::kRefused, std::string(kQuarantineName) + ": must be a directory of uid " +
                                    std::to_string(geteuid()) + " with mode 0700 on the file system itself");
  }
  return Quarantine(place, std::move(directory));
}

Result<Quarantine> Quarantine::create(const Place& place) {
  if (mkdirat(place.mount_fd, kQuarantineName, S_IRWXU) < 0 && errno != EEXIST) {
    return fail_errno(std::string("mkdir ") + kQuarantineName);
  }
  if (auto synced = sync_fd(place.mount_fd, "the root directory"); !synced) {
    return tl::make_unexpected(synced.error());
  }
  UniqueFd directory = open_quarantine(place);
  if (!directory) {
    return fail_errno(std::string("open ") + kQuarantineName);
  }
  return check(place, std::move(directory));
}

Result<std::optional<Quarantine>> Quarantine::open(const Place& place) {
  UniqueFd directory = open_quarantine(place);
  if (!directory) {
    return errno == ENOENT ? Result<std::optional<Quarantine>>(std::nullopt)
                           : fail_errno(std::string("open ") + kQuarantineName);
  }
  auto quarantine = check(place, std::move(directory));
  if (!quarantine) {
    return tl::make_unexpected(quarantine.error());
  }
  return std::optional(std::move(*quarantine));
}

Status Quarantine::label(int donor, const std::string& text) const {
  if (fsetxattr(donor, kQuarantineXattr, text.data(), text.size(), 0) < 0) {
    return fail_errno(std::string("fsetxattr ") + kQuarantineXattr);
  }
  for (const Status& synced : {sync_fd(donor, "the donor"), sync_fd(directory_.get(), kQuarantineName)}) {
    if (!synced) {
      return synced;
    }
  }
  return {};
}

Result<UniqueFd> Quarantine::create_donor(const std::string& name, const std::string& text) const {
  auto donor = open_at(directory_, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (!donor) {
    return donor;
  }
  if (auto labelled = label(donor->get(), text); !labelled) {
    return tl::make_unexpected(labelled.error());
  }
  return donor;
}

Status Quarantine::set_aside(const std::string& name, int donor, const std::string& new_name,
                             const std::string& text) const {
  if (renameat(directory_.get(), name.c_str(), directory_.get(), new_name.c_str()) < 0) {
    return fail_errno("rename " + name);
  }
  return label(donor, text);
}

Result<std::optional<UniqueFd>> Quarantine::open_donor(const std::string& name) const {
  auto donor = open_at(directory_, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  if (!donor) {
    return donor.error().is_errno(ENOENT) ? Result<std::optional<UniqueFd>>(std::nullopt)
                                          : tl::make_unexpected(donor.error());
  }
  return std::optional(std::move(*donor));
}

Status Quarantine::remove_donor(const std::string& name) const {
  if (unlinkat(directory_.get(), name.c_str(), 0) < 0 && errno != ENOENT) {
    return fail_errno("unlink " + name);
  }
  return {};
}

Status Quarantine::remove_if_empty() const {
  if (unlinkat(place_->mount_fd, kQuarantineName, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST &&
      errno != ENOENT) {
    return fail_errno(std::string("rmdir ") + kQuarantineName);
  }
  return {};
}

Result<std::vector<std::string>> Quarantine::donors() const {
  const int own = openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, int (*)(DIR*)> listing(own < 0 ? nullptr : fdopendir(own), closedir);
  if (!listing) {
    return fail_errno(std::string("read ") + kQuarantineName);
  }
  std::vector<std::string> names;
  while (const dirent* entry = readdir(listing.get())) {
    if (!spool_key_of(entry->d_name).empty() && entry->d_name[0] != '.') {
      names.emplace_back(entry->d_name);
    }
  }
  return names;
}

std::string Quarantine::path_of(const std::string& name) const {
  return escape_bytes(place_->filesystem.mount_point) + "/" + kQuarantineName + "/" + name;
}

}  // namespace pmend::repair
