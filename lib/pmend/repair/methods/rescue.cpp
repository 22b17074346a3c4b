// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/methods/rescue.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/kernel/page_cache.hpp"
#include "pmend/repair/child.hpp"

#include <csignal>

namespace pmend::repair {
namespace {

// In a child. Where the processor finds the page bad by itself the kernel marks it just as well.
int poison_page(int fd, const ByteRange& file_range) {
  const auto page = kernel::FileMapping::create(fd, file_range, kernel::FileMapping::Access::kReadWrite);
  if (!page) {
    return page.error().code.value();
  }
  const auto marked = page->poison();
  return marked ? 0 : marked.error().code.value();
}

Status mark_page(const UnitWork& work, int fd, const ByteRange& file_range) {
  const auto child = run_in_child(work.place.read_limit, [&] { return poison_page(fd, file_range); });
  if (!child) {
    return tl::make_unexpected(child.error());
  }
  const std::string what = "mark the page at " + to_string(file_range) + " as bad";
  if (child->end == ChildEnd::kExited && child->value != 0) {
    return fail_errno(what, child->value);
  }
  const bool killed = child->end == ChildEnd::kSignal && child->value == SIGBUS;
  return killed || child->end == ChildEnd::kExited ? Status() : Status(failed_child(*child, what));
}

}  // namespace

Status mark_as_bad(const UnitWork& work, int fd) {
  if (!work.place.add_to_list) {
    return fail(Errc::kUnsupported, "the list of bad sectors is not the kernel's");
  }
  const auto list = work.place.list();
  if (!list) {
    return tl::make_unexpected(list.error());
  }
  const Mapping& mapping = work.planned().mappings.front();
  for (std::uint64_t at = 0; at < mapping.device_range.length; at += kPageBytes) {
    const ByteRange page{mapping.device_range.offset + at, kPageBytes};
    if (list->bad.overlaps(page)) {
      continue;  // by an earlier worker of this job
    }
    if (auto marked = mark_page(work, fd, {mapping.file_offset + at, kPageBytes}); !marked) {
      return marked;
    }
    boundary("rescue: before the list has the page");
    if (auto added = work.place.add_to_list(page); !added) {
      return added;
    }
  }
  return {};
}

}  // namespace pmend::repair
