// SPDX-License-Identifier: Apache-2.0
#include "support/file_model.hpp"

#include <algorithm>
#include <cstring>

namespace pmend::world {

void FileModel::expected_bytes(std::span<std::byte> buffer, std::uint64_t file_offset) const {
  const ByteRange wanted{file_offset, buffer.size()};
  fill_content(buffer, content, file_offset);
  for (const ByteRange& zero : zeros.common(wanted)) {
    std::memset(buffer.data() + (zero.offset - file_offset), 0, zero.length);
  }
  for (const auto& [offset, bytes] : patches) {
    if (const auto part = intersect(wanted, {offset, bytes.size()})) {
      std::memcpy(buffer.data() + (part->offset - file_offset), bytes.data() + (part->offset - offset), part->length);
    }
  }
}

}  // namespace pmend::world
