// SPDX-License-Identifier: Apache-2.0
#include "worker/rest_of_list.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/block/device.hpp"
#include "pmend/repair/child.hpp"
#include "pmend/repair/outcome_from_errno.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace pmend::worker {
namespace {

using std::chrono::steady_clock;

Result<PieceRead> read_piece(int fd, const repair::SharedBuffer& buffer, const ByteRange& piece) {
  ssize_t n = 0;
  do {
    n = pread(fd, buffer.bytes().data(), piece.length, static_cast<off_t>(piece.offset));
  } while (n < 0 && errno == EINTR);
  if (n >= 0) {
    return static_cast<std::uint64_t>(n) == piece.length ? PieceRead::kGood : PieceRead::kUnreadable;
  }
  if (repair::is_medium_error(errno)) {
    return PieceRead::kUnreadable;
  }
  return fail_errno("read " + to_string(piece));
}

}  // namespace

Status find_unreadable(const ByteRange& range, std::uint64_t block_bytes,
                       const std::function<Result<PieceRead>(const ByteRange& piece)>& read, RangeSet& bad) {
  const auto got = read(range);
  if (!got) {
    return tl::make_unexpected(got.error());
  }
  if (*got == PieceRead::kGood) {
    return {};
  }
  if (range.length <= block_bytes) {
    bad.insert(range);
    return {};
  }
  const std::uint64_t half = round_out({0, range.length / 2}, block_bytes).length;
  if (auto first = find_unreadable({range.offset, half}, block_bytes, read, bad); !first) {
    return first;
  }
  return find_unreadable({range.offset + half, range.length - half}, block_bytes, read, bad);
}

Result<RestOfList> find_rest(const Setting& setting, const std::string& node, std::uint64_t from, const RangeSet& hints,
                             std::chrono::milliseconds limit) {
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
  const auto read = [&](const ByteRange& piece) { return read_piece(fd->get(), *buffer, piece); };
  const std::uint64_t begin = std::min(round_out({0, from}, block_bytes).length, device->size_bytes);
  RestOfList rest{{}, begin};
  const auto look = [&](const ByteRange& piece) { return find_unreadable(piece, block_bytes, read, rest.bad); };
  for (const ByteRange& hint : hints.common({begin, device->size_bytes - begin})) {
    const ByteRange whole = round_out(hint, block_bytes);
    for (std::uint64_t at = whole.offset; at < whole.end(); at += kScrubPieceBytes) {
      if (const auto looked = look({at, std::min(kScrubPieceBytes, whole.end() - at)}); !looked) {
        return tl::make_unexpected(looked.error());
      }
    }
  }
  // At least one piece, or a slow device would be asked for the hints again and again.
  while (rest.read_to < device->size_bytes && (rest.read_to == begin || steady_clock::now() < until)) {
    const ByteRange piece{rest.read_to, std::min(kScrubPieceBytes, device->size_bytes - rest.read_to)};
    if (const auto looked = look(piece); !looked) {
      return tl::make_unexpected(looked.error());
    }
    rest.read_to = piece.end();
  }
  return rest;
}

}  // namespace pmend::worker
