// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace pmend {
namespace {

Status write_and_sync(const std::string& path, const std::string& content, mode_t mode) {
  auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  auto written = write_exactly(file->get(), std::as_bytes(std::span(content)), 0);
  if (!written) {
    return wrap(written.error(), path);
  }
  if (fsync(file->get()) < 0) {
    return fail_errno("fsync " + path);
  }
  return {};
}

Status sync_directory(const std::string& path) {
  auto directory = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!directory) {
    return tl::make_unexpected(directory.error());
  }
  if (fsync(directory->get()) < 0) {
    return fail_errno("fsync " + path);
  }
  return {};
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void UniqueFd::reset() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
}

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) {
    return fail_errno("open " + path);
  }
  return fd;
}

Result<UniqueFd> open_at(const UniqueFd& directory, const std::string& name, int flags, mode_t mode) {
  UniqueFd fd(openat(directory.get(), name.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) {
    return fail_errno("open " + name);
  }
  return fd;
}

Status read_exactly(int fd, std::span<std::byte> buffer, std::uint64_t file_offset) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t n = pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(file_offset + done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return fail_errno("read at " + std::to_string(file_offset + done));
    }
    if (n == 0) {
      return fail(Errc::kIncomplete, "end of file at " + std::to_string(file_offset + done));
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Status write_exactly(int fd, std::span<const std::byte> data, std::uint64_t file_offset) {
  std::size_t done = 0;
  while (done < data.size()) {
    const ssize_t n = pwrite(fd, data.data() + done, data.size() - done, static_cast<off_t>(file_offset + done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return fail_errno("write at " + std::to_string(file_offset + done));
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<std::string> read_text_file(const std::string& path, std::size_t limit) {
  auto file = open_file(path, O_RDONLY);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  std::string text;
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t n = read(file->get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return fail_errno("read " + path);
    }
    if (n == 0) {
      return text;
    }
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > limit) {
      return fail(Errc::kInvalid, path + " is longer than " + std::to_string(limit) + " bytes");
    }
  }
}

Status replace_file(const std::string& path, const std::string& content, mode_t mode) {
  const std::string temporary = path + ".new";
  if (auto written = write_and_sync(temporary, content, mode); !written) {
    return written;
  }
  if (rename(temporary.c_str(), path.c_str()) < 0) {
    return fail_errno("rename " + temporary + " to " + path);
  }
  const std::string directory = std::filesystem::path(path).parent_path();
  return sync_directory(directory.empty() ? "." : directory);
}

}  // namespace pmend
