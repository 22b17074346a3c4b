// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/repair/place.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

// What the page cache has of a file whose medium is suspect. The cache is what applications see: where it holds a page
// it is the truth, also over sectors that the device still gives, for a failed write-back leaves the only copy there.
namespace pmend::repair {

// The page cache never has larger folios than this where pages have 4096 bytes.
inline constexpr std::uint64_t kLargestFolioBytes = 2U << 20U;

enum class CacheState {
  kAbsent,  // not there, or there without valid bytes: the device has the truth
  kWhole,   // there with all its bytes, and it will be written back as a whole
  kPartly,  // its bytes are in a page that is not valid as a whole: readable, but it cannot be dirtied through a
            // mapping
};

struct PageView {
  CacheState state = CacheState::kAbsent;
  ByteRange file_range;          // what is written when the page is dirtied: the page, or the large folio it lies in
  std::vector<std::byte> bytes;  // of file_range as the cache has it, zeros behind the end of the file; not for kAbsent
};

// Looks at one page. Asks for residency first and reads in a child, so that the medium is read only where the kernel
// itself does not know better (a page that is there without being valid). Splits large folios. Errors: kTimedOut where
// a read does not come back; kUnsupported for a folio that cannot be looked at; the errno.
Result<PageView> view_page(int fd, std::uint64_t page_offset, std::chrono::milliseconds limit);

// A range of the file as applications read it, zeros behind the end of the file; nothing where reading fails. Errors:
// kTimedOut where a read does not come back; the errno of fork(2).
Result<std::optional<std::vector<std::byte>>> read_as_applications(int fd, const ByteRange& file_range,
                                                                   std::chrono::milliseconds limit);

// True if the cache has dirty pages of the range or is writing them back; false also where the kernel cannot tell.
Result<bool> has_unwritten_changes(int fd, const ByteRange& file_range);

// A direct write drops the page that it goes through, and a page that is not valid as a whole may be part of a large
// folio that holds other bytes which only the cache has. Returns the pages around `file_range` that may go with it,
// as they are read through the cache; pages that cannot be read have nothing to lose and are left out.
struct CachedPage {
  std::uint64_t file_offset = 0;
  std::vector<std::byte> bytes;
};
Result<std::vector<CachedPage>> pages_dropped_with(int fd, const ByteRange& file_range,
                                                   std::chrono::milliseconds limit);

}  // namespace pmend::repair
