// SPDX-License-Identifier: Apache-2.0
#include "medium/trace.hpp"

#include <xxhash.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

namespace pmend::medium {
namespace {

constexpr std::uint64_t kMark = 0xD1;

void put(std::span<std::byte> to, std::uint64_t value) {
  for (std::byte& b : to) {
    b = static_cast<std::byte>(value & 0xFFU);
    value >>= 8U;
  }
}

std::uint64_t take(std::span<const std::byte> from) {
  std::uint64_t value = 0;
  for (std::size_t i = from.size(); i > 0; --i) {
    value = value << 8U | std::to_integer<std::uint64_t>(from[i - 1]);
  }
  return value;
}

std::uint64_t realtime_ns() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(since_epoch).count());
}

}  // namespace

std::array<std::byte, kTraceRecordBytes> encode(const TraceRecord& record) {
  std::array<std::byte, kTraceRecordBytes> bytes{};
  const std::span all(bytes);
  put(all.subspan(0, 1), kMark);
  put(all.subspan(1, 1), static_cast<std::uint64_t>(record.operation));
  put(all.subspan(2, 2), record.flags);
  put(all.subspan(4, 4), record.error);
  put(all.subspan(8, 8), record.sequence);
  put(all.subspan(16, 8), record.range.offset);
  put(all.subspan(24, 8), record.range.length);
  put(all.subspan(32, 8), record.time_ns);
  put(all.subspan(40, 8), record.digest);
  return bytes;
}

Result<TraceRecord> decode(std::span<const std::byte, kTraceRecordBytes> bytes) {
  const std::uint64_t operation = take(bytes.subspan(1, 1));
  if (take(bytes.subspan(0, 1)) != kMark || operation < static_cast<std::uint64_t>(Operation::kWrite) ||
      operation > static_cast<std::uint64_t>(Operation::kDiscard)) {
    return fail(Errc::kCorrupt, "not a trace record");
  }
  const auto range = make_byte_range(take(bytes.subspan(16, 8)), take(bytes.subspan(24, 8)));
  if (!range) {
    return fail(Errc::kCorrupt, range.error().what);
  }
  TraceRecord record;
  record.operation = static_cast<Operation>(operation);
  record.flags = static_cast<std::uint16_t>(take(bytes.subspan(2, 2)));
  record.error = static_cast<std::uint32_t>(take(bytes.subspan(4, 4)));
  record.sequence = take(bytes.subspan(8, 8));
  record.range = *range;
  record.time_ns = take(bytes.subspan(32, 8));
  record.digest = take(bytes.subspan(40, 8));
  return record;
}

std::uint64_t digest(std::span<const std::byte> data) {
  return XXH3_64bits(data.data(), data.size());
}

Result<TraceWriter> TraceWriter::open(const std::string& path) {
  auto file = open_file(path, O_RDWR | O_CREAT | O_APPEND);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  struct stat status {};
  if (fstat(file->get(), &status) < 0) {
    return fail_errno("stat " + path);
  }
  const std::uint64_t records = static_cast<std::uint64_t>(status.st_size) / kTraceRecordBytes;
  if (ftruncate(file->get(), static_cast<off_t>(records * kTraceRecordBytes)) < 0) {
    return fail_errno("truncate " + path);
  }
  return TraceWriter(std::move(*file), records);
}

Status TraceWriter::append(TraceRecord record) {
  const std::lock_guard lock(mutex_);
  record.sequence = next_;
  record.time_ns = realtime_ns();
  const auto bytes = encode(record);
  const ssize_t written = write(file_.get(), bytes.data(), bytes.size());
  if (written == static_cast<ssize_t>(bytes.size())) {
    ++next_;
    return {};
  }
  const int error = written < 0 ? errno : ENOSPC;
  // A part of a record would shift all that follow.
  if (ftruncate(file_.get(), static_cast<off_t>(next_ * kTraceRecordBytes)) < 0) {
    return fail_errno("truncate the trace");
  }
  return fail_errno("write the trace", error);
}

Result<std::string> TraceWriter::read(std::uint64_t offset, std::size_t size) const {
  std::string text(size, '\0');
  const ssize_t n = pread(file_.get(), text.data(), text.size(), static_cast<off_t>(offset));
  if (n < 0) {
    return fail_errno("read the trace");
  }
  text.resize(static_cast<std::size_t>(n));
  return text;
}

std::uint64_t TraceWriter::bytes() const {
  const std::lock_guard lock(mutex_);
  return next_ * kTraceRecordBytes;
}

}  // namespace pmend::medium
