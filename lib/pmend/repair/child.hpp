// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>

// Short-lived children for what may hang or kill: reads of suspect media, touching mapped pages of them.
namespace pmend::repair {

enum class ChildEnd {
  kExited,    // by itself; `value` is its exit status
  kSignal,    // it died; `value` is the signal, SIGBUS where a page could not be had
  kTimedOut,  // killed at the limit and gone
  kStuck,     // killed at the limit and not gone: the kernel is still busy for it
};
struct ChildResult {
  ChildEnd end = ChildEnd::kStuck;
  int value = 0;
  pid_t pid = 0;
};

// Runs `work` in a forked child and waits at most `limit` for it. The child dies with the calling thread. `work`
// returns an exit status of 0 to 127; it must touch nothing but its own memory, system calls and SharedBuffers.
// Errors: the errno of fork(2).
Result<ChildResult> run_in_child(std::chrono::milliseconds limit, const std::function<int()>& work);

// What such a child that has not done its work means, for people. Errors only: kTimedOut if it got no answer, kGone if
// it died.
tl::unexpected<Error> failed_child(const ChildResult& result, const std::string& what);

// Memory that a child shares with its parent, page aligned, zeroed.
class SharedBuffer {
 public:
  // Errors: the errno.
  static Result<SharedBuffer> create(std::size_t size);
  SharedBuffer(SharedBuffer&& other) noexcept;
  SharedBuffer& operator=(SharedBuffer&&) = delete;
  ~SharedBuffer();

  std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  SharedBuffer(std::byte* data, std::size_t size) : data_(data), size_(size) {}

  std::byte* data_;
  std::size_t size_;
};

}  // namespace pmend::repair
