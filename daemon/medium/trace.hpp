// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/request.hpp"
#include "pmend/base/unique_fd.hpp"

#include <array>
#include <mutex>
#include <string>

// The record of every write, zero and discard. Each record is in the file, by one write(2), before the first byte of
// the request reaches the image: whatever a killed program may have written is in the trace.
namespace pmend::medium {

inline constexpr std::size_t kTraceRecordBytes = 48;

// Bits of TraceRecord::flags.
inline constexpr std::uint16_t kTraceTouchedPoison = 1;  // some sector of the request was poisoned
inline constexpr std::uint16_t kTraceCured = 2;          // and it is no longer
inline constexpr std::uint16_t kTraceLied = 4;           // success was reported, the poison stayed
// The image file or the state file failed after this request had been recorded with error 0. This second record has
// the errno that was reported; the first one still says what may have been written.
inline constexpr std::uint16_t kTraceBackingFailed = 8;
inline constexpr std::uint16_t kTraceRefused = 16;  // ended with EIO by the gate or by the end of the program

struct TraceRecord {
  Operation operation = Operation::kWrite;
  std::uint16_t flags = 0;
  std::uint32_t error = 0;     // the errno that is reported, 0 for success
  std::uint64_t sequence = 0;  // the number of the record in the file, from 0
  ByteRange range;             // in the image
  std::uint64_t time_ns = 0;   // CLOCK_REALTIME
  std::uint64_t digest = 0;    // XXH3-64 of the data of a write as it was asked for, else 0

  friend bool operator==(const TraceRecord&, const TraceRecord&) = default;
};

// Little-endian, at these byte offsets: 0 mark and version (0xD1), 1 operation, 2 flags (2 bytes), 4 error (4),
// 8 sequence (8), 16 offset (8), 24 length (8), 32 time (8), 40 digest (8).
std::array<std::byte, kTraceRecordBytes> encode(const TraceRecord& record);

// Errors: kCorrupt for a wrong mark, an unknown operation or a range past byte 2^63.
Result<TraceRecord> decode(std::span<const std::byte, kTraceRecordBytes> bytes);

// XXH3-64.
std::uint64_t digest(std::span<const std::byte> data);

// Appends to one trace file. Thread-safe.
class TraceWriter {
 public:
  // Goes on after the last whole record of an existing file; a torn one is cut off. Errors: the errno.
  static Result<TraceWriter> open(const std::string& path);
  TraceWriter(TraceWriter&& other) noexcept : file_(std::move(other.file_)), next_(other.next_) {}

  // Sets sequence and time, then writes. Errors: the errno; the request must not be carried out then.
  Status append(TraceRecord record);

  // What the file holds at `offset`, at most `size` bytes, fewer at its end. Errors: the errno.
  Result<std::string> read(std::uint64_t offset, std::size_t size) const;
  std::uint64_t bytes() const;

 private:
  TraceWriter(UniqueFd file, std::uint64_t next) : file_(std::move(file)), next_(next) {}

  UniqueFd file_;
  mutable std::mutex mutex_;  // keeps the records in the order of their numbers
  std::uint64_t next_;
};

}  // namespace pmend::medium
