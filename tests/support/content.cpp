// SPDX-License-Identifier: Apache-2.0
#include "support/content.hpp"

#include "pmend/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

namespace pmend::world {
namespace {

constexpr std::size_t kRecordBytes = 16;
// 4 digits file, a dot, 2 digits generation, 9 digits offset in records.
constexpr std::size_t kDot = 4;
constexpr std::size_t kGeneration = 5;
constexpr std::size_t kOffset = 7;
using Record = std::array<char, kRecordBytes>;

// Hand-made, because all test data goes through it.
void put_hex(Record& record, std::size_t begin, std::size_t end, std::uint64_t value) {
  for (std::size_t i = end; i > begin; --i) {
    record[i - 1] = "0123456789abcdef"[value & 0xFU];
    value >>= 4U;
  }
}

Record make_record(ContentTag tag, std::uint64_t offset) {
  Record record{};
  put_hex(record, 0, kDot, tag.file);
  record[kDot] = '.';
  put_hex(record, kGeneration, kOffset, tag.generation);
  put_hex(record, kOffset, kRecordBytes, offset / kRecordBytes);
  return record;
}

std::optional<std::uint64_t> hex_at(std::string_view text, std::size_t begin, std::size_t end) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, value, 16);
  return error == std::errc() && stop == text.data() + end ? std::optional(value) : std::nullopt;
}

constexpr std::string_view kJunk = "POISONED";

}  // namespace

void fill_content(std::span<std::byte> buffer, ContentTag tag, std::uint64_t file_offset) {
  while (!buffer.empty()) {
    const std::size_t inside = file_offset % kRecordBytes;
    const Record record = make_record(tag, file_offset - inside);
    const std::size_t count = std::min(kRecordBytes - inside, buffer.size());
    std::memcpy(buffer.data(), record.data() + inside, count);
    buffer = buffer.subspan(count);
    file_offset += count;
  }
}

std::optional<ContentPlace> identify_content(std::span<const std::byte> bytes) {
  if (bytes.size() < kRecordBytes) {
    return std::nullopt;
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), kRecordBytes);
  const auto file = hex_at(text, 0, kDot);
  const auto generation = hex_at(text, kGeneration, kOffset);
  const auto offset = hex_at(text, kOffset, kRecordBytes);
  if (!file || !generation || !offset || text[kDot] != '.') {
    return std::nullopt;
  }
  const ContentTag tag{static_cast<std::uint32_t>(*file), static_cast<std::uint32_t>(*generation)};
  return ContentPlace{tag, *offset * kRecordBytes};
}

std::string describe_bytes(std::span<const std::byte> bytes) {
  if (std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; })) {
    return "zeros";
  }
  if (bytes.size() >= kJunk.size() && std::memcmp(bytes.data(), kJunk.data(), kJunk.size()) == 0) {
    return "junk that poisoning left";
  }
  if (const auto place = identify_content(bytes)) {
    return "file " + std::to_string(place->tag.file) + " generation " + std::to_string(place->tag.generation) +
           " offset " + std::to_string(place->file_offset);
  }
  return "bytes " + to_hex(bytes.first(std::min<std::size_t>(bytes.size(), 16)));
}

}  // namespace pmend::world
