// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

// What is asked of the disk, independent of how it came (FUSE) and of when it is carried out.
namespace pmend::medium {

// The values are those in the trace file.
enum class Operation : std::uint8_t { kRead = 0, kWrite = 1, kZero = 2, kDiscard = 3 };

std::string_view to_string(Operation operation);

// Does not own the data: valid only while the caller's buffer is.
struct Request {
  Operation operation = Operation::kRead;
  ByteRange range;                  // inside the disk, never empty
  std::span<const std::byte> data;  // of a write: exactly range.length bytes
};

struct Reply {
  int error = 0;                // an errno, 0 for success
  std::vector<std::byte> data;  // of a successful read; shorter than asked only with read=short
};

// Ends a request. Called exactly once, from any thread, with no lock held.
using Completion = std::function<void(const Reply&)>;

// A request that is carried out later, with its own copy of the data. Moved, never copied: the request points into it.
struct HeldRequest {
  HeldRequest(const Request& original, Completion completion);
  HeldRequest(HeldRequest&&) = default;
  HeldRequest& operator=(HeldRequest&&) = default;
  HeldRequest(const HeldRequest&) = delete;
  HeldRequest& operator=(const HeldRequest&) = delete;

  std::vector<std::byte> bytes;
  Request request;
  Completion done;
};

}  // namespace pmend::medium
