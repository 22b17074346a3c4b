// SPDX-License-Identifier: Apache-2.0
#include "worker/rest_of_list.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/block/device.hpp"
#include "pmend/repair/child.hpp"
#include "pmend/repair/outcome_from_errno.hpp"
#include "worker/scrub_walk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace pmend::worker {
namespace {

using std::chrono::steady_clock;

class Reader {
 public:
  Reader(int fd, const repair::SharedBuffer& buffer) : fd_(fd), buffer_(buffer) {}

  Result<PieceRead> read(const ByteRange& range) const {
    const ssize_t n = pread(fd_, buffer_.bytes().data(), range.length, static_cast<off_t>(range.offset));
    if (n >= 0) {
      return static_cast<std::uint64_t>(n) == range.length ? PieceRead::kGood : PieceRead::kUnreadable;
    }
    if (errno == EINTR || repair::is_medium_error(errno)) {
      return PieceRead::kUnreadable;
    }
    return fail_errno("read " + to_string(range));
  }

 private:
  int fd_;
  const repair::SharedBuffer& buffer_;
};

// Reads [from, from + bytes), each finding into `bad`. Returns true if the end was reached before `until`.
Result<bool> walk(const Reader& reader, std::uint64_t from, std::uint64_t bytes, std::uint64_t block_bytes,
                  steady_clock::time_point until, RangeSet& bad) {
  ScrubSteps steps;
  steps.read = [&](const ByteRange& piece) { return reader.read({from + piece.offset, piece.length}); };
  steps.after_piece = [&](const ByteRange&, const PieceFinds& finds) -> Result<bool> {
    for (const ByteRange& range : finds.unreadable.ranges()) {
      bad.insert({from + range.offset, range.length});
    }
    return steady_clock::now() < until;
  };
  const auto end = walk_device(bytes, block_bytes, steps);
  return end ? Result<bool>(*end == bytes) : tl::make_unexpected(end.error());
}

}  // namespace

Result<RestOfList> find_rest(const Setting& setting, const std::string& node, const RangeSet& listed,
                             const RangeSet& hints, std::chrono::milliseconds limit) {
  const auto until = steady_clock::now() + limit;
  const auto device = block::find_device(setting.roots, node);
  const auto fd = open_file(node, O_RDONLY | O_DIRECT);
  if (!device || !fd) {
    return tl::make_unexpected(device ? fd.error() : device.error());
  }
  const std::uint64_t block_bytes = device->logical_block_bytes;
  const auto buffer = repair::SharedBuffer::create(std::max(kScrubPieceBytes, block_bytes));
  if (!buffer) {
    return tl::make_unexpected(buffer.error());
  }
  const Reader reader(fd->get(), *buffer);
  RestOfList rest{listed, false};
  const auto known = listed.ranges();
  const std::uint64_t from =
      known.empty() ? 0 : round_out({known.back().offset, known.back().length}, block_bytes).end();
  const ByteRange behind{from, device->size_bytes > from ? device->size_bytes - from : 0};
  for (const ByteRange& hint : hints.common(behind)) {
    const ByteRange whole = round_out(hint, block_bytes);
    if (const auto walked = walk(reader, whole.offset, whole.length, block_bytes, until, rest.bad); !walked) {
      return tl::make_unexpected(walked.error());
    }
  }
  const auto walked = walk(reader, behind.offset, behind.length, block_bytes, until, rest.bad);
  if (!walked) {
    return tl::make_unexpected(walked.error());
  }
  rest.complete = *walked;
  return rest;
}

}  // namespace pmend::worker
