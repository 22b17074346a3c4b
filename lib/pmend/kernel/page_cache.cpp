// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/page_cache.hpp"

#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <linux/stat.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace pmend::kernel {
namespace {

// Debian 12's headers are older than the call; the number is the same on all architectures.
constexpr long kCachestatCall = 451;
struct CachestatRange {
  std::uint64_t offset;
  std::uint64_t length;
};
struct Cachestat {
  std::uint64_t cached;
  std::uint64_t dirty;
  std::uint64_t writeback;
  std::uint64_t evicted;
  std::uint64_t recently_evicted;
};

// Linux Documentation/admin-guide/mm/pagemap.rst
constexpr std::uint64_t kPagemapPresent = 1ULL << 63U;
constexpr std::uint64_t kPagemapFrame = (1ULL << 55U) - 1;

// One 64-bit entry of a table in /proc, nothing where it cannot be had.
std::optional<std::uint64_t> table_entry(const char* path, std::uint64_t index) {
  const UniqueFd table(open(path, O_RDONLY | O_CLOEXEC));
  std::uint64_t entry = 0;
  if (!table || pread(table.get(), &entry, sizeof entry, static_cast<off_t>(index * sizeof entry)) != sizeof entry) {
    return std::nullopt;
  }
  return entry;
}

bool is_dax(int fd) {
  struct statx status = {};
  return statx(fd, "", AT_EMPTY_PATH, 0, &status) == 0 && (status.stx_attributes & STATX_ATTR_DAX) != 0;
}

}  // namespace

std::uint64_t page_bytes() {
  static const auto size = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return size;
}

Result<std::optional<CacheCounts>> cachestat(int fd, const ByteRange& file_range) {
  // The kernel would take DAX entries for those of evicted pages and look up nodes of memory by what they hold
  // (Linux 6.12 mm/filemap.c, filemap_cachestat(); mm/workingset.c, unpack_shadow()).
  if (is_dax(fd)) {
    return std::optional(CacheCounts{});
  }
  CachestatRange range{file_range.offset, file_range.length};
  Cachestat counts{};
  if (syscall(kCachestatCall, fd, &range, &counts, 0U) < 0) {
    if (errno == ENOSYS) {
      return std::optional<CacheCounts>();
    }
    return fail_errno("cachestat " + to_string(file_range));
  }
  return std::optional(CacheCounts{counts.cached, counts.dirty, counts.writeback});
}

Result<FileMapping> FileMapping::create(int fd, const ByteRange& file_range, Access access) {
  const int protection = access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* data = mmap(nullptr, file_range.length, protection, MAP_SHARED, fd, static_cast<off_t>(file_range.offset));
  if (data == MAP_FAILED) {
    return fail_errno("mmap " + to_string(file_range));
  }
  return FileMapping(static_cast<std::byte*>(data), file_range);
}

FileMapping::FileMapping(FileMapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), file_range_(other.file_range_) {}

FileMapping::~FileMapping() {
  if (data_ != nullptr) {
    // Cannot fail for a range that mmap() gave.
    (void)munmap(data_, file_range_.length);
  }
}

Result<std::vector<bool>> FileMapping::resident() const {
  std::vector<unsigned char> pages((file_range_.length + page_bytes() - 1) / page_bytes());
  if (mincore(data_, file_range_.length, pages.data()) < 0) {
    return fail_errno("mincore " + to_string(file_range_));
  }
  std::vector<bool> resident;
  resident.reserve(pages.size());
  for (const unsigned char page : pages) {
    resident.push_back((page & 1U) != 0);
  }
  return resident;
}

Status FileMapping::pin(const ByteRange& pages) const {
  if (mlock(data_ + (pages.offset - file_range_.offset), pages.length) < 0) {
    return fail_errno("mlock");
  }
  return {};
}

Status FileMapping::poison() const {
  if (madvise(data_, file_range_.length, MADV_HWPOISON) < 0) {
    return fail_errno("MADV_HWPOISON " + to_string(file_range_));
  }
  return {};
}

Status FileMapping::sync() const {
  if (msync(data_, file_range_.length, MS_SYNC) < 0) {
    return fail_errno("msync " + to_string(file_range_));
  }
  return {};
}

void split_folio(std::byte* page) {
  const volatile std::byte touched = *page;
  static_cast<void>(touched);
  // Advice: where it is not taken, folio_part() tells.
  (void)madvise(page, page_bytes(), MADV_COLD);
}

FolioPart folio_part(const std::byte* page) {
  const auto entry = table_entry("/proc/self/pagemap", reinterpret_cast<std::uintptr_t>(page) / page_bytes());
  if (!entry || (*entry & kPagemapPresent) == 0 || (*entry & kPagemapFrame) == 0) {
    return FolioPart::kUnknown;
  }
  const auto flags = table_entry("/proc/kpageflags", *entry & kPagemapFrame);
  if (!flags) {
    return FolioPart::kUnknown;
  }
  const auto has = [&flags](unsigned bit) { return (*flags & (1ULL << bit)) != 0; };
  if (has(KPF_COMPOUND_HEAD)) {
    return FolioPart::kHead;
  }
  return has(KPF_COMPOUND_TAIL) ? FolioPart::kTail : FolioPart::kSingle;
}

}  // namespace pmend::kernel
