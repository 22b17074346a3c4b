// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/index_file.hpp"

#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace pmend::rmap {
namespace {

constexpr std::array<char, 8> kMagic = {'p', 'm', 'e', 'n', 'd', 'r', 'm', '2'};
constexpr std::uint64_t kMostElements = 1ULL << 40U;  // no product overflows

struct IndexHeader {
  std::array<char, 8> magic{};
  std::array<char, 64> uuid{};
  std::uint64_t device = 0;
  std::uint64_t pieces = 0;
  std::uint64_t leaves = 0;
  std::uint64_t wide = 0;
  std::uint64_t links = 0;
  std::uint64_t block_bytes = 0;
  std::uint64_t damaged = 0;
};
static_assert(sizeof(IndexHeader) % alignof(std::uint64_t) == 0);

IndexHeader header_of(const IndexKey& key, const InodeIndex& index) {
  IndexHeader header;
  header.magic = kMagic;
  std::copy_n(key.uuid.begin(), std::min(key.uuid.size(), header.uuid.size()), header.uuid.begin());
  header.device = key.device;
  header.pieces = index.extents.pieces();
  header.leaves = index.extents.leaves().size();
  header.wide = index.extents.wide().size();
  header.links = index.parents.links().size();
  header.block_bytes = index.block_bytes;
  header.damaged = index.damaged ? 1 : 0;
  return header;
}

template <class T>
Status append_to(int fd, std::uint64_t& at, std::span<const T> elements) {
  const auto bytes = std::as_bytes(elements);
  const auto written = write_exactly(fd, bytes, at);
  at += bytes.size();
  return written;
}

Status write_all(int fd, const IndexKey& key, const InodeIndex& index) {
  const IndexHeader header = header_of(key, index);
  std::uint64_t at = 0;
  auto written = append_to(fd, at, std::span(&header, 1));
  if (written) {
    written = append_to(fd, at, index.extents.reaches());
  }
  if (written) {
    written = append_to(fd, at, index.extents.leaves());
  }
  if (written) {
    written = append_to(fd, at, index.extents.wide());
  }
  return written ? append_to(fd, at, index.parents.links()) : written;
}

// Takes elements from the front of some bytes.
template <class T>
std::span<const T> take_elements(std::span<const std::byte>& bytes, std::uint64_t count) {
  const std::span<const T> elements(static_cast<const T*>(static_cast<const void*>(bytes.data())), count);
  bytes = bytes.subspan(elements.size_bytes());
  return elements;
}

std::uint64_t size_of(const IndexHeader& header) {
  return sizeof header + header.leaves * (sizeof(std::uint64_t) + sizeof(ExtentIndex::Leaf)) +
         header.wide * sizeof(ExtentIndex::Wide) + header.links * sizeof(ParentLink);
}

bool is_sane(const IndexHeader& header, std::uint64_t bytes) {
  return header.magic == kMagic && header.leaves < kMostElements && header.wide < kMostElements &&
         header.links < kMostElements && header.damaged <= 1 && header.block_bytes >= 512 &&
         header.block_bytes <= 65536 && size_of(header) == bytes;
}

Result<std::uint64_t> size_of_own_file(int fd, const std::string& path) {
  struct stat status = {};
  if (fstat(fd, &status) < 0) {
    return fail_errno("fstat " + path);
  }
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Errc::kRefused, path + " can be written by others");
  }
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

Status write_index(const std::string& path, const IndexKey& key, const InodeIndex& index) {
  const std::string temporary = path + "." + std::to_string(getpid());
  auto file = open_file(temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  auto written = write_all(file->get(), key, index);
  if (written && std::rename(temporary.c_str(), path.c_str()) < 0) {
    written = fail_errno("rename " + temporary);
  }
  if (!written) {
    unlink(temporary.c_str());
  }
  return written;
}

Result<InodeIndex> read_index(const std::string& path, const IndexKey& key) {
  const auto file = open_file(path, O_RDONLY | O_NOFOLLOW);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  const auto size = size_of_own_file(file->get(), path);
  if (!size) {
    return tl::make_unexpected(size.error());
  }
  if (*size < sizeof(IndexHeader)) {
    return fail(Errc::kCorrupt, path);
  }
  void* const memory = mmap(nullptr, *size, PROT_READ, MAP_SHARED, file->get(), 0);
  if (memory == MAP_FAILED) {
    return fail_errno("mmap " + path);
  }
  const std::shared_ptr<const void> keep(memory, [bytes = *size](void* begin) { munmap(begin, bytes); });
  std::span<const std::byte> rest(static_cast<const std::byte*>(memory), *size);
  const IndexHeader header = take_elements<IndexHeader>(rest, 1).front();
  if (!is_sane(header, *size)) {
    return fail(Errc::kCorrupt, path);
  }
  if (header_of(key, {}).uuid != header.uuid || header.device != key.device) {
    return fail(Errc::kStale, path + " is of another file system");
  }
  InodeIndex index;
  const auto reaches = take_elements<std::uint64_t>(rest, header.leaves);
  const auto leaves = take_elements<ExtentIndex::Leaf>(rest, header.leaves);
  const auto wide = take_elements<ExtentIndex::Wide>(rest, header.wide);
  index.extents = ExtentIndex(keep, reaches, leaves, wide, header.pieces);
  index.parents = ParentTable(keep, take_elements<ParentLink>(rest, header.links));
  index.block_bytes = static_cast<std::uint32_t>(header.block_bytes);
  index.damaged = header.damaged != 0;
  return index;
}

}  // namespace pmend::rmap
