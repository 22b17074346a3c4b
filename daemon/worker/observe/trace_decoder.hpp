// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "worker/observe/trace_events.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct tep_handle;
struct tep_event;

namespace pmend::worker {

// What one page of a ring buffer held.
struct TracePage {
  std::vector<TraceEvent> events;
  std::uint64_t lost = 0;  // events that were overwritten before this page; 1 where the kernel does not say how many
  std::uint64_t unreadable = 0;  // records that are none of ours or do not have the fields that they should
};

// Reads what trace_pipe_raw gives (Linux Documentation/trace/ftrace.rst, ring buffer pages). Fields are found by their
// names, as the format file of the running kernel places them, and never beyond the record's end.
class TraceDecoder {
 public:
  // `header_page` is the text of events/header_page. Errors: kInvalid.
  static Result<TraceDecoder> create(const std::string& header_page);

  // The text of an event's format file. Errors: kInvalid if it cannot be parsed.
  Status add_format(const std::string& system, const std::string& text);

  // How much has to be read at once.
  std::size_t page_bytes() const { return page_bytes_; }
  TracePage decode(std::span<const std::byte> page) const;

 private:
  struct Free {
    void operator()(tep_handle* handle) const;
  };
  explicit TraceDecoder(std::unique_ptr<tep_handle, Free> handle, std::size_t page_bytes)
      : handle_(std::move(handle)), page_bytes_(page_bytes) {}
  std::optional<TraceEvent> decode_record(std::span<std::byte> record) const;

  std::unique_ptr<tep_handle, Free> handle_;
  std::size_t page_bytes_;
};

}  // namespace pmend::worker
