// SPDX-License-Identifier: Apache-2.0
#include "fuzz/sparse_image.hpp"

#include "fuzz/must_hold.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace pmend::fuzz {
namespace {

std::uint16_t number_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint16_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

}  // namespace

SparseImage::SparseImage() : fd_(memfd_create("image", MFD_CLOEXEC)) {
  must_hold(fd_.get() >= 0, "memfd_create");
}

void SparseImage::fill(std::span<const std::byte> records) const {
  constexpr std::size_t kHead = 4;
  must_hold(ftruncate(fd(), 0) == 0 && ftruncate(fd(), static_cast<off_t>(kBytes)) == 0, "ftruncate");
  while (records.size() >= kHead) {
    const std::uint64_t place = number_at(records, 0) * kUnit;
    const std::size_t length = std::min<std::size_t>(number_at(records, 2), records.size() - kHead);
    const std::size_t inside = std::min<std::uint64_t>(length, kBytes - place);
    must_hold(write_exactly(fd(), records.subspan(kHead, inside), place).has_value(), "write");
    records = records.subspan(kHead + length);
  }
}

}  // namespace pmend::fuzz
