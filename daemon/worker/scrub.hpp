// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "worker/places.hpp"

#include <atomic>
#include <cstdint>

namespace pmend::worker {

// What a scrub and whoever waits for it tell each other, in memory that they share.
struct ScrubBoard {
  std::atomic<std::uint64_t> done{0};   // bytes
  std::atomic<std::uint64_t> total{0};  // 0: not known yet
  std::atomic<bool> cancelled{false};
};

// Reads a watched device from its beginning to its end, directly, with idle I/O priority and at most half of the time,
// so that others hardly notice. The reads are made in children. What a list of pmend's own has to take up is durable
// before `board` tells that it was looked at; other lists are not written, what they miss is only told.
// Blocks until it is done, so it is run in a child. Errors: kNotFound for a device without a list; the errno where the
// device goes away; kTimedOut where it answers no more; those of the list.
Result<protocol::ScrubReply> scrub(const Setting& setting, const protocol::DeviceRequest& request, ScrubBoard& board);

// How much it is in all, and as many ranges as fit into a reply.
protocol::ScrubFinds finds_of(const RangeSet& set);

}  // namespace pmend::worker
