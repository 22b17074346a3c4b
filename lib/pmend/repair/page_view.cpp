// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/page_view.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/page_cache.hpp"
#include "pmend/repair/child.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <optional>
#include <span>
#include <string>

namespace pmend::repair {
namespace {

using kernel::FileMapping;
using kernel::FolioPart;

// Exit statuses of the child that looks.
enum Look : int { kLookAbsent, kLookWhole, kLookPartly, kLookTooLarge, kLookFailed };

// What the child leaves in the shared memory, in front of the bytes of the window.
struct Findings {
  std::uint64_t begin;  // of the folio, in the window
  std::uint64_t length;
};

// Reads through the page cache; zeros behind the end of the file. False on an error.
bool read_cached(int fd, std::span<std::byte> buffer, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t n = pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return false;
    }
    if (n == 0) {
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(done), buffer.end(), std::byte{0});
  return true;
}

FolioPart touched_part(std::byte* page) {
  const volatile std::byte touched = *page;
  static_cast<void>(touched);
  return kernel::folio_part(page);
}

// The folio around page `index` of the window, in pages. Runs in a child: touches pages.
Findings folio_around(const FileMapping& window, std::size_t index) {
  const auto part = [&](std::size_t i) { return touched_part(window.data() + i * kPageBytes); };
  const std::size_t pages = window.file_range().length / kPageBytes;
  const FolioPart own = part(index);
  // Where the kernel does not tell, a folio is taken for split: what a write-back writes are the file's own bytes.
  if (own == FolioPart::kSingle || own == FolioPart::kUnknown) {
    return {index, 1};
  }
  std::size_t begin = index;
  while (begin > 0 && part(begin) == FolioPart::kTail) {
    --begin;
  }
  std::size_t end = index + 1;
  while (end < pages && part(end) == FolioPart::kTail) {
    ++end;
  }
  return {begin, end - begin};
}

// The naturally aligned windows that hold any folio around the pages, up to the end of the file: touching a page behind
// it would kill. Nothing where the file has no such page.
std::optional<ByteRange> window_around(int fd, const ByteRange& pages) {
  struct stat status = {};
  if (fstat(fd, &status) < 0) {
    return std::nullopt;
  }
  const ByteRange file = round_out({0, static_cast<std::uint64_t>(status.st_size)}, kPageBytes);
  const auto window = intersect(round_out(pages, kLargestFolioBytes), file);
  return window && window->contains(pages) ? window : std::nullopt;
}

bool is_resident(const FileMapping& window, std::size_t index, std::size_t count = 1) {
  const auto resident = window.resident();
  return resident &&
         std::all_of(resident->begin() + static_cast<std::ptrdiff_t>(index),
                     resident->begin() + static_cast<std::ptrdiff_t>(index + count), [](bool there) { return there; });
}

// Splitting calls a page cold, and it may be the only copy: read twice it is one of the active pages again
// (mm/swap.c, folio_mark_accessed()).
void split_if_large(int fd, const FileMapping& window, std::size_t index) {
  std::byte* page = window.data() + index * kPageBytes;
  if (touched_part(page) == FolioPart::kSingle) {
    return;
  }
  kernel::split_folio(page);
  std::array<std::byte, 1> byte{};
  for (int i = 0; i < 2; ++i) {
    // Whether it can be read is asked by whoever wants its bytes.
    static_cast<void>(read_cached(fd, byte, window.file_range().offset + index * kPageBytes));
  }
}

// In the child.
int look(int fd, std::uint64_t page_offset, std::span<std::byte> shared) {
  const auto window_range = window_around(fd, {page_offset, kPageBytes});
  if (!window_range) {
    return kLookAbsent;
  }
  const auto window = FileMapping::create(fd, *window_range, FileMapping::Access::kRead);
  if (!window) {
    return kLookFailed;
  }
  const auto index = static_cast<std::size_t>((page_offset - window_range->offset) / kPageBytes);
  const auto content = shared.subspan(kPageBytes);
  if (!is_resident(*window, index)) {
    return read_cached(fd, content.first(kPageBytes), page_offset) ? kLookPartly : kLookAbsent;
  }
  split_if_large(fd, *window, index);
  const Findings folio = folio_around(*window, index);
  const std::uint64_t begin = window_range->offset + folio.begin * kPageBytes;
  if (folio.begin == 0 && folio.length > 1 && touched_part(window->data()) == FolioPart::kTail) {
    return kLookTooLarge;
  }
  const auto bytes = content.first(folio.length * kPageBytes);
  const bool read = read_cached(fd, bytes, begin);
  // Still resident, so what was read came from the cache.
  if (!read || !is_resident(*window, folio.begin, folio.length)) {
    return kLookAbsent;
  }
  const Findings found{begin, folio.length * kPageBytes};
  std::memcpy(shared.data(), &found, sizeof found);
  return kLookWhole;
}

Result<PageView> view_from(const ChildResult& child, const SharedBuffer& shared, std::uint64_t page_offset) {
  const std::string what = "look at the cached page at " + std::to_string(page_offset);
  // The page went away between asking and touching, and the medium could not give it again.
  if (child.end == ChildEnd::kSignal && child.value == SIGBUS) {
    return PageView{CacheState::kAbsent, {page_offset, kPageBytes}, {}};
  }
  if (child.end != ChildEnd::kExited || child.value == kLookFailed) {
    return failed_child(child, what);
  }
  if (child.value == kLookTooLarge) {
    return fail(Errc::kUnsupported, what + ": it lies in a folio that is too large");
  }
  PageView view{CacheState::kAbsent, {page_offset, kPageBytes}, {}};
  if (child.value == kLookPartly) {
    const auto bytes = shared.bytes().subspan(kPageBytes, kPageBytes);
    view.state = CacheState::kPartly;
    view.bytes.assign(bytes.begin(), bytes.end());
  }
  if (child.value == kLookWhole) {
    Findings found{};
    std::memcpy(&found, shared.bytes().data(), sizeof found);
    const auto bytes = shared.bytes().subspan(kPageBytes, found.length);
    view = {CacheState::kWhole, {found.begin, found.length}, std::vector<std::byte>(bytes.begin(), bytes.end())};
  }
  return view;
}

bool is_cached(int fd, std::uint64_t page_offset) {
  const auto counts = kernel::cachestat(fd, {page_offset, kPageBytes});
  return !counts || !*counts || (*counts)->cached != 0;
}

// The run of pages around `pages` that are in the cache without being valid, inside the window.
ByteRange invalid_run(int fd, const FileMapping& window, const ByteRange& pages) {
  const ByteRange& bounds = window.file_range();
  const auto resident = window.resident();
  const auto is_invalid = [&](std::uint64_t offset) {
    return resident && !(*resident)[(offset - bounds.offset) / kPageBytes] && is_cached(fd, offset);
  };
  ByteRange run = pages;
  while (run.offset > bounds.offset && is_invalid(run.offset - kPageBytes)) {
    run = {run.offset - kPageBytes, run.length + kPageBytes};
  }
  while (run.end() < bounds.end() && is_invalid(run.end())) {
    run.length += kPageBytes;
  }
  return run;
}

}  // namespace

Result<PageView> view_page(int fd, std::uint64_t page_offset, std::chrono::milliseconds limit) {
  if (kernel::page_bytes() != kPageBytes) {
    return fail(Errc::kUnsupported, "pages of " + std::to_string(kernel::page_bytes()) + " bytes");
  }
  if (!is_cached(fd, page_offset)) {
    return PageView{CacheState::kAbsent, {page_offset, kPageBytes}, {}};
  }
  auto shared = SharedBuffer::create(kPageBytes + kLargestFolioBytes);
  if (!shared) {
    return tl::make_unexpected(shared.error());
  }
  const auto child = run_in_child(limit, [&] { return look(fd, page_offset, shared->bytes()); });
  if (!child) {
    return tl::make_unexpected(child.error());
  }
  return view_from(*child, *shared, page_offset);
}

Result<std::optional<std::vector<std::byte>>> read_as_applications(int fd, const ByteRange& file_range,
                                                                   std::chrono::milliseconds limit) {
  auto bytes = SharedBuffer::create(file_range.length);
  if (!bytes) {
    return tl::make_unexpected(bytes.error());
  }
  const auto child =
      run_in_child(limit, [&] { return read_cached(fd, bytes->bytes(), file_range.offset) ? 0 : kLookFailed; });
  if (!child) {
    return tl::make_unexpected(child.error());
  }
  if (child->end != ChildEnd::kExited) {
    return failed_child(*child, "read the file at " + to_string(file_range));
  }
  if (child->value != 0) {
    return std::optional<std::vector<std::byte>>();
  }
  return std::optional(std::vector<std::byte>(bytes->bytes().begin(), bytes->bytes().end()));
}

Result<bool> has_unwritten_changes(int fd, const ByteRange& file_range) {
  const auto counts = kernel::cachestat(fd, file_range);
  if (!counts) {
    return tl::make_unexpected(counts.error());
  }
  return *counts && ((*counts)->dirty != 0 || (*counts)->writeback != 0);
}

Result<std::vector<CachedPage>> pages_dropped_with(int fd, const ByteRange& file_range,
                                                   std::chrono::milliseconds limit) {
  const ByteRange pages = round_out(file_range, kPageBytes);
  const auto window_range = window_around(fd, pages);
  if (!window_range) {
    return fail(Errc::kStale, "the file ends before " + to_string(pages));
  }
  const auto window = FileMapping::create(fd, *window_range, FileMapping::Access::kRead);
  if (!window) {
    return tl::make_unexpected(window.error());
  }
  const ByteRange run = invalid_run(fd, *window, pages);
  const std::size_t count = run.length / kPageBytes;
  auto flags = SharedBuffer::create(count);
  auto bytes = SharedBuffer::create(run.length);
  if (!flags || !bytes) {
    return tl::make_unexpected(flags ? bytes.error() : flags.error());
  }
  const auto child = run_in_child(limit, [&] {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t offset = run.offset + i * kPageBytes;
      const auto page = bytes->bytes().subspan(i * kPageBytes, kPageBytes);
      flags->bytes()[i] = std::byte{is_cached(fd, offset) && read_cached(fd, page, offset)};
    }
    return 0;
  });
  if (!child) {
    return tl::make_unexpected(child.error());
  }
  if (child->end != ChildEnd::kExited) {
    return failed_child(*child, "read the cached pages " + to_string(run));
  }
  std::vector<CachedPage> found;
  for (std::size_t i = 0; i < count; ++i) {
    if (flags->bytes()[i] != std::byte{0}) {
      const auto page = bytes->bytes().subspan(i * kPageBytes, kPageBytes);
      found.push_back({run.offset + i * kPageBytes, std::vector<std::byte>(page.begin(), page.end())});
    }
  }
  return found;
}

}  // namespace pmend::repair
