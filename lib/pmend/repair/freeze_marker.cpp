// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/freeze_marker.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/freeze.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>

namespace pmend::repair {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "frozen-";
constexpr std::chrono::milliseconds kLookEvery{20};
constexpr int kCreateAttempts = 10;

std::string marker_path(const std::string& directory, dev_t file_system) {
  return directory + "/" + std::string(kPrefix) + std::to_string(major(file_system)) + "-" +
         std::to_string(minor(file_system));
}

std::optional<dev_t> number_of(std::string_view name) {
  const std::size_t hyphen = name.rfind('-');
  if (!name.starts_with(kPrefix) || hyphen < kPrefix.size()) {
    return std::nullopt;
  }
  const auto first = parse_u64(name.substr(kPrefix.size(), hyphen - kPrefix.size()));
  const auto second = parse_u64(name.substr(hyphen + 1));
  if (!first || !second) {
    return std::nullopt;
  }
  return makedev(static_cast<unsigned>(*first), static_cast<unsigned>(*second));
}

// True if nobody else has it.
bool lock_marker(const UniqueFd& file) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return fcntl(file.get(), F_OFD_SETLK, &lock) == 0;
}

// False where whoever thawed a leftover removed it between opening and locking.
bool is_at(const UniqueFd& file, const std::string& path) {
  struct stat ours {};
  struct stat there {};
  return fstat(file.get(), &ours) == 0 && stat(path.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

bool lock_within(const UniqueFd& file, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!lock_marker(file)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  return true;
}

// EINVAL: whoever died had not frozen it yet, or had thawed it already, or somebody else did it for us.
bool thaw_left(const OpenMount& open_mount, dev_t file_system) {
  const auto mount = open_mount(file_system);
  if (!mount) {
    return false;
  }
  const auto thawed = kernel::thaw(mount->get());
  return thawed || thawed.error().is_errno(EINVAL);
}

}  // namespace

Result<FreezeMarker> FreezeMarker::create(const std::string& runtime_directory, dev_t file_system) {
  std::string path = marker_path(runtime_directory, file_system);
  for (int i = 0; i < kCreateAttempts; ++i) {
    auto file = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (!file) {
      return tl::make_unexpected(file.error());
    }
    if (!lock_marker(*file)) {
      return fail_errno(path, EBUSY);
    }
    if (is_at(*file, path)) {
      return FreezeMarker(std::move(path), std::move(*file));
    }
  }
  return fail_errno(path, EBUSY);
}

void FreezeMarker::remove() {
  (void)unlink(path_.c_str());  // if it stays, the next start finds nothing frozen
}

Result<Leftovers> thaw_leftovers(const std::string& runtime_directory, const OpenMount& open_mount,
                                 std::chrono::milliseconds limit) {
  Leftovers leftovers;
  std::error_code error;
  for (fs::directory_iterator entry(runtime_directory, error), end; !error && entry != end; entry.increment(error)) {
    const auto number = number_of(entry->path().filename().string());
    if (!number) {
      continue;
    }
    const auto file = open_file(entry->path(), O_RDWR | O_NOFOLLOW);
    if (!file) {
      continue;  // its guard has just removed it
    }
    if (!lock_within(*file, limit) || !thaw_left(open_mount, *number)) {
      leftovers.frozen.push_back(*number);
      continue;
    }
    leftovers.thawed.push_back(*number);
    (void)unlink(entry->path().c_str());  // as in remove()
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail_errno("read runtime directory " + runtime_directory, error.value());
  }
  return leftovers;
}

}  // namespace pmend::repair
