// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/crc32c.hpp"

#include "pmend/rmap/ext4/bytes.hpp"

#include <array>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace pmend::rmap::ext4 {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  constexpr std::uint32_t kReversedPolynomial = 0x82F63B78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kReversedPolynomial : 0);
    }
    table[i] = crc;
  }
  return table;
}
constexpr auto kCrcTable = crc_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(std::uint32_t crc,
                                                                      std::span<const std::byte> bytes) {
  std::uint64_t wide = crc;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    wide = _mm_crc32_u64(wide, read_as<std::uint64_t>(bytes, at));
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; at < bytes.size(); ++at) {
    crc = _mm_crc32_u8(crc, static_cast<unsigned char>(bytes[at]));
  }
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c_by_table(std::uint32_t crc, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    crc = (crc >> 8U) ^ kCrcTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xFFU];
  }
  return crc;
}

std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) {
    return crc32c_by_instruction(crc, bytes);
  }
#endif
  return crc32c_by_table(crc, bytes);
}

}  // namespace pmend::rmap::ext4
