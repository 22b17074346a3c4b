// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

// File content that says where it belongs: every 16 bytes name the file, the generation and the offset, in printable
// characters ("0003.01000000120": file 3, generation 1, offset 0x1200). So a stale, moved or foreign sector not only
// differs, it tells where it came from; and no byte is ever zero.
namespace pmend::world {

struct ContentTag {
  std::uint32_t file = 0;        // at most 65535
  std::uint32_t generation = 0;  // raised by every rewrite, at most 255

  friend bool operator==(const ContentTag&, const ContentTag&) = default;
};

// The bytes [file_offset, file_offset + buffer.size()) of that content.
void fill_content(std::span<std::byte> buffer, ContentTag tag, std::uint64_t file_offset);

struct ContentPlace {
  ContentTag tag;
  std::uint64_t file_offset = 0;
};

// Where bytes that begin with a whole record come from; nothing if they are no such content.
std::optional<ContentPlace> identify_content(std::span<const std::byte> bytes);

// What a person reads of bytes that are not what they should be: "zeros", "junk that poisoning left",
// "file 3 generation 1 offset 8192", or their first bytes in hex.
std::string describe_bytes(std::span<const std::byte> bytes);

}  // namespace pmend::world
