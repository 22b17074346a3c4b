// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace pmend {

// Owns one file descriptor. -1 is "none".
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  // Closes without looking at the result: for descriptors whose data does not matter or was fsynced before.
  void reset();

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC added. Errors: the errno, with the path in the text.
Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0600);
Result<UniqueFd> open_at(const UniqueFd& directory, const std::string& name, int flags, mode_t mode = 0600);

// pread(2) and pwrite(2) until all is done. Errors: the errno; kIncomplete at the end of the file.
Status read_exactly(int fd, std::span<std::byte> buffer, std::uint64_t file_offset);
Status write_exactly(int fd, std::span<const std::byte> data, std::uint64_t file_offset);

// The whole of a file that may be in /proc or /sys (size unknown beforehand), at most `limit` bytes.
// Errors: the errno; kInvalid if the file is longer.
Result<std::string> read_text_file(const std::string& path, std::size_t limit = 1U << 20U);

// Makes `path` hold `content` and nothing else, whatever dies in between: temporary file beside it, fsync, rename,
// fsync of the directory. Errors: the errno of the step that failed; `path` is then as it was.
Status replace_file(const std::string& path, const std::string& content, mode_t mode = 0600);

}  // namespace pmend
