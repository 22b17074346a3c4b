// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "worker/scrub_walk.hpp"
#include "worker/setting.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace pmend::worker {

// Reads `range` by `read` and halves what cannot be read down to one block; what is left goes into `bad`. So a bad
// block of a piece of 4 MiB costs 26 reads. `range` is in whole blocks, `block_bytes` a power of two. Errors: those of
// `read`.
Status find_unreadable(const ByteRange& range, std::uint64_t block_bytes,
                       const std::function<Result<PieceRead>(const ByteRange& piece)>& read, RangeSet& bad);

// What the kernel's list has of a device and did not print, as it does not fit into a page of text.
struct RestOfList {
  RangeSet bad;               // of the device: what was found
  std::uint64_t read_to = 0;  // from where the search goes on; the size of the device: there is no more
};

// The kernel prints its list in order, so all that is missing lies behind its last entry, which is `from`. What of
// `hints`, which others say is bad, cannot be read belongs to it. Then the device is read directly from there on, for
// as long as `limit` allows: the kernel refuses what it lists before it touches the medium. Reads, so in a child only.
// Errors: the errno.
Result<RestOfList> find_rest(const Setting& setting, const std::string& node, std::uint64_t from, const RangeSet& hints,
                             std::chrono::milliseconds limit);

}  // namespace pmend::worker
