// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pmend::rmap::ext4 {

// The Castagnoli CRC as ext4 uses it: no inversion at either end. By the processor's instruction where it has one.
std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes);

// The same without that instruction.
std::uint32_t crc32c_by_table(std::uint32_t crc, std::span<const std::byte> bytes);

}  // namespace pmend::rmap::ext4
