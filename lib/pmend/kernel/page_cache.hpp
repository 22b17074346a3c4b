// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

// What of a file is in the page cache, asked without reading anything from the medium.
namespace pmend::kernel {

// Bytes. Pages of other sizes are not known to the rest of pmend, which refuses to repair there.
std::uint64_t page_bytes();

struct CacheCounts {
  std::uint64_t cached = 0;     // pages that are there, also those that could not be filled
  std::uint64_t dirty = 0;      // of them, changed and not yet on their way to the medium
  std::uint64_t writeback = 0;  // of them, on their way
};

// cachestat (Linux 6.5, mm/filemap.c; no man page in Debian 12). Nothing where the kernel has no such call. Zeros for a
// file that is mapped from its medium (DAX), which has no page cache.
// Errors: the errno, EPERM for somebody who could not write the file.
Result<std::optional<CacheCounts>> cachestat(int fd, const ByteRange& file_range);

// A shared mapping of whole pages of a file. Touching it can raise SIGBUS: only in a child that may die.
class FileMapping {
 public:
  enum class Access { kRead, kReadWrite };

  // `file_range` is made of whole pages. Errors: the errno.
  static Result<FileMapping> create(int fd, const ByteRange& file_range, Access access);
  FileMapping(FileMapping&& other) noexcept;
  FileMapping& operator=(FileMapping&&) = delete;
  ~FileMapping();

  std::byte* data() const { return data_; }
  const ByteRange& file_range() const { return file_range_; }

  // mincore(2), one entry per page: true for a page that is in the page cache with all its bytes valid. Pages behind
  // the end of the file are not.
  // Trap: somebody who may not write the file is told "true" for all; pmend's workers are privileged.
  Result<std::vector<bool>> resident() const;

  // mlock(2) of these pages of the mapping: they stay in the page cache for as long as the mapping lives. Only for
  // pages that are resident: others are read from the medium. Errors: the errno.
  Status pin(const ByteRange& pages) const;

  // madvise(MADV_HWPOISON) of all its pages, as if the machine had found them bad: whoever maps them, this process
  // first, gets SIGBUS. Needs CAP_SYS_ADMIN. Only in a child that may die. Errors: the errno, EINVAL where the kernel
  // cannot.
  Status poison() const;

  // msync(MS_SYNC): writes back what is dirty of these pages and waits. Errors: the errno, EIO also for an earlier
  // failure that nobody was told of.
  Status sync() const;

 private:
  FileMapping(std::byte* data, const ByteRange& file_range) : data_(data), file_range_(file_range) {}

  std::byte* data_;
  ByteRange file_range_;
};

// Splits the large folio around one page of a mapping into single pages where the kernel can, so that dirtying the page
// writes that page only: MADV_COLD on a part of a large folio does it (Linux mm/madvise.c) and changes nothing else but
// the page's age. The page is touched; it stays in the cache.
void split_folio(std::byte* page);

// How a page of a mapping, which was touched just now, lies in the page cache.
enum class FolioPart {
  kSingle,   // a folio of its own
  kHead,     // the first page of a large folio
  kTail,     // a later one
  kUnknown,  // the kernel does not say (no /proc/kpageflags, or no privilege)
};
FolioPart folio_part(const std::byte* page);

}  // namespace pmend::kernel
