// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/locks.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/processes.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/model/json_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>

namespace pmend::repair {
namespace {

using protocol::HeldLock;
using protocol::LockKind;

namespace fs = std::filesystem;

constexpr const char* kSuffix = ".lock";

// What a holder writes into its file.
struct Holder {
  LockKind kind = LockKind::kDevice;
  std::string name;
  JobId job;
  std::uint32_t pid = 0;
};

template <class Fields, ConstOr<Holder> T>
void describe(Fields& field, T& holder) {
  field("kind", holder.kind);
  field("name", holder.name);
  field("job", holder.job);
  field("pid", holder.pid);
}
void read_json(const JsonReader& in, Holder& holder) {
  read_fields(in, holder);
}

// Device ids hold slashes and may be long; the kind in front is for people.
std::string file_name(const LockName& name) {
  return std::string(to_string(name.kind)) + "-" + sha256_hex(name.name).substr(0, 32) + kSuffix;
}

// The whole file.
struct flock whole_file() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

bool is_held(const UniqueFd& file) {
  struct flock lock = whole_file();
  return fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::optional<Holder> read_holder(const std::string& path) {
  const auto text = read_text_file(path);
  const auto json = text ? parse_json_text(*text) : tl::make_unexpected(JsonTextError());
  if (!json) {
    return std::nullopt;  // it is just being written
  }
  const auto holder = from_json<Holder>(json->value);
  return holder ? std::optional(*holder) : std::nullopt;
}

Status write_holder(const UniqueFd& file, const Holder& holder) {
  const std::string text = to_json_text(write_fields(holder));
  if (ftruncate(file.get(), 0) < 0) {
    return fail_errno("ftruncate a lock file");
  }
  return write_exactly(file.get(), std::as_bytes(std::span(text)), 0);
}

// The process that wrote itself into the file, if it still has it open; else one that it left behind.
std::optional<std::uint32_t> find_holder(const UniqueFd& file, const std::optional<Holder>& holder,
                                         const FindOpeners& openers) {
  struct stat status = {};
  if (holder && holder->pid == static_cast<std::uint32_t>(getpid())) {
    return holder->pid;  // openers() leaves this process out
  }
  if (fstat(file.get(), &status) < 0) {
    return std::nullopt;
  }
  std::optional<std::uint32_t> found;
  for (const OpenBy& opener : openers(status.st_dev, status.st_ino)) {
    if (holder && opener.pid == holder->pid) {
      return holder->pid;
    }
    found = opener.pid;
  }
  return found;
}

HeldLock held_lock(const UniqueFd& file, const std::string& path, const FindOpeners& openers) {
  const auto holder = read_holder(path);
  HeldLock held;
  if (holder) {
    held.kind = holder->kind;
    held.name = holder->name;
    held.job = holder->job;
  } else {
    const std::string name = fs::path(path).filename();
    held.kind = name.starts_with(to_string(LockKind::kFilesystem)) ? LockKind::kFilesystem : LockKind::kDevice;
    held.name = name;
  }
  held.pid = find_holder(file, holder, openers);
  held.uninterruptible = held.pid && kernel::is_uninterruptible(static_cast<pid_t>(*held.pid));
  return held;
}

std::string holder_text(const std::string& path) {
  const auto holder = read_holder(path);
  if (!holder) {
    return "somebody";
  }
  return "process " + std::to_string(holder->pid) + " of job " + std::to_string(holder->job.value);
}

}  // namespace

Result<Lock> Lock::take(const std::string& directory, const LockName& name, JobId job) {
  const std::string path = directory + "/" + file_name(name);
  auto file = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  struct flock lock = whole_file();
  if (fcntl(file->get(), F_OFD_SETLK, &lock) < 0) {
    if (errno == EAGAIN || errno == EACCES) {
      return fail_errno(
          std::string(to_string(name.kind)) + " " + escape_bytes(name.name) + " is locked by " + holder_text(path),
          EBUSY);
    }
    return fail_errno("lock " + path);
  }
  const Holder holder{name.kind, name.name, job, static_cast<std::uint32_t>(getpid())};
  if (auto written = write_holder(*file, holder); !written) {
    return wrap(written.error(), path);
  }
  return Lock(std::move(*file));
}

Result<std::vector<Lock>> take_locks(const std::string& directory, std::vector<LockName> names, JobId job) {
  std::sort(names.begin(), names.end(),
            [](const LockName& a, const LockName& b) { return file_name(a) < file_name(b); });
  std::vector<Lock> locks;
  for (const LockName& name : names) {
    auto lock = Lock::take(directory, name, job);
    if (!lock) {
      return tl::make_unexpected(lock.error());
    }
    locks.push_back(std::move(*lock));
  }
  return locks;
}

Result<std::vector<HeldLock>> inspect_locks(const std::string& directory, const FindOpeners& openers) {
  std::vector<HeldLock> held;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string path = entry->path();
    if (!path.ends_with(kSuffix)) {
      continue;
    }
    const auto file = open_file(path, O_RDWR | O_NOFOLLOW);
    if (file && is_held(*file)) {
      held.push_back(held_lock(*file, path, openers));
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail_errno("read lock directory " + directory, error.value());
  }
  std::sort(held.begin(), held.end(), [](const HeldLock& a, const HeldLock& b) { return a.name < b.name; });
  return held;
}

}  // namespace pmend::repair
