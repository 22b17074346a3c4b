// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

// What a tester writes to `badblocks` and `poison`.
namespace pmend::medium {

struct ListEdit {
  enum class Kind { kPoison, kPhantom, kRemove };

  Kind kind = Kind::kPoison;
  ByteRange range;

  friend bool operator==(const ListEdit&, const ListEdit&) = default;
};

// Lines "FIRST COUNT" (poison) and "-FIRST COUNT" (remove), in sectors.
// Errors: kInvalid if any line is something else or not on the disk.
Result<std::vector<ListEdit>> parse_badblocks_edits(std::string_view text, std::uint64_t disk_bytes);

// Lines "phantom FIRST COUNT". Errors: as above.
Result<std::vector<ListEdit>> parse_phantom_edits(std::string_view text, std::uint64_t disk_bytes);

}  // namespace pmend::medium
