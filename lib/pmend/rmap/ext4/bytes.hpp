// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

namespace pmend::rmap::ext4 {

// Structures on the medium are little-endian, and so is every machine that pmend is built for.
static_assert(std::endian::native == std::endian::little);

// A structure or number out of bytes, wherever it lies in them. The caller has seen that it is inside.
template <class T>
T read_as(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace pmend::rmap::ext4
