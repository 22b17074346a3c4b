// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/sectors.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/repair/child.hpp"
#include "pmend/repair/outcome_from_errno.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace pmend::repair {
namespace {

// The errno of one direct read of exactly this much, 0 if all of it came.
int read_block(int fd, std::span<std::byte> buffer, std::uint64_t offset) {
  ssize_t n = 0;
  do {
    n = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(offset));
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return errno;
  }
  // A short read of a device inside its size stops in front of what cannot be read.
  return static_cast<std::size_t>(n) == buffer.size() ? 0 : EIO;
}

// Fills `errors`, one errno per block.
void read_blocks(const Place& place, std::span<std::byte> bytes, std::uint64_t offset, std::span<int> errors) {
  if (read_block(place.device_fd, bytes, offset) == 0) {
    return;
  }
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const std::size_t at = i * place.block_bytes;
    errors[i] = read_block(place.device_fd, bytes.subspan(at, place.block_bytes), offset + at);
  }
}

Status check_range(const Place& place, const ByteRange& device_range) {
  const bool whole = device_range.offset % place.block_bytes == 0 && device_range.length % place.block_bytes == 0;
  if (device_range.empty() || !whole || device_range.end() > place.device_bytes) {
    return fail(Errc::kInvalid, to_string(device_range) + " of " + place.device + ": not whole blocks of the device");
  }
  return {};
}

Result<SectorsRead> collect(const Place& place, const ByteRange& device_range, std::span<const std::byte> bytes,
                            std::span<const int> errors) {
  SectorsRead read{device_range, {}, std::vector<std::byte>(bytes.begin(), bytes.end())};
  const std::size_t sectors_per_block = place.block_bytes / kSectorBytes;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (errors[i] != 0 && !is_medium_error(errors[i])) {
      return fail_errno("read " + to_string(device_range) + " of " + place.device, errors[i]);
    }
    read.readable.insert(read.readable.end(), sectors_per_block, errors[i] == 0);
    if (errors[i] != 0) {
      const auto block = read.bytes.begin() + static_cast<std::ptrdiff_t>(i * place.block_bytes);
      std::fill_n(block, place.block_bytes, std::byte{0});
    }
  }
  return read;
}

}  // namespace

bool SectorsRead::all_readable() const {
  return std::all_of(readable.begin(), readable.end(), [](bool good) { return good; });
}

bool SectorsRead::none_readable() const {
  return std::none_of(readable.begin(), readable.end(), [](bool good) { return good; });
}

Result<SectorsRead> read_sectors(const Place& place, const ByteRange& device_range) {
  if (auto valid = check_range(place, device_range); !valid) {
    return tl::make_unexpected(valid.error());
  }
  const std::size_t blocks = device_range.length / place.block_bytes;
  auto bytes = SharedBuffer::create(device_range.length);
  auto errors = SharedBuffer::create(blocks * sizeof(int));
  if (!bytes || !errors) {
    return tl::make_unexpected(bytes ? errors.error() : bytes.error());
  }
  // Anonymous memory holds objects of any type; it is zeroed: no error.
  const std::span<int> block_errors(static_cast<int*>(static_cast<void*>(errors->bytes().data())), blocks);
  const auto child = run_in_child(place.read_limit, [&] {
    read_blocks(place, bytes->bytes(), device_range.offset, block_errors);
    return 0;
  });
  if (!child) {
    return tl::make_unexpected(child.error());
  }
  if (child->end != ChildEnd::kExited) {
    return failed_child(*child, "read " + to_string(device_range) + " of " + place.device);
  }
  return collect(place, device_range, bytes->bytes(), block_errors);
}

std::string digest_of(const SectorsRead& read) {
  std::string text;
  for (const bool good : read.readable) {
    text.push_back(good ? 'g' : '-');
  }
  text.push_back('\n');
  for (const std::byte byte : read.bytes) {
    text.push_back(static_cast<char>(byte));
  }
  return sha256_hex(text);
}

}  // namespace pmend::repair
