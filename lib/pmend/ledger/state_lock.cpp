// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/state_lock.hpp"

#include "pmend/base/text.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <span>

namespace pmend::ledger {
namespace {

// "pid 7" as the holder wrote it, less where it had not got that far.
std::string holder(const std::string& path) {
  const auto text = read_text_file(path, 64);
  const auto pid = text ? parse_u64(text->substr(0, text->find('\n'))) : Result<std::uint64_t>(0);
  return pid && *pid != 0 ? "pid " + std::to_string(*pid) : "another process";
}

Status write_pid(int fd) {
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) < 0) {
    return fail_errno("ftruncate");
  }
  return write_exactly(fd, std::as_bytes(std::span(text)), 0);
}

}  // namespace

Result<StateLock> StateLock::take(const std::string& state_dir) {
  const std::string path = state_dir + "/lock";
  auto file = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW);
  if (!file) {
    return wrap(file.error(), "state directory");
  }
  if (flock(file->get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK) {
      return fail_errno("state directory: flock " + path);
    }
    return fail(Errc::kRefused, "state directory " + state_dir + " is taken by " + holder(path));
  }
  if (Status written = write_pid(file->get()); !written) {
    return wrap(written.error(), "state directory: " + path);
  }
  return StateLock(std::move(*file));
}

}  // namespace pmend::ledger
