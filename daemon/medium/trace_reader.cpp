// SPDX-License-Identifier: Apache-2.0
#include "medium/trace_reader.hpp"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace pmend::medium {
namespace {

constexpr std::size_t kRecordsAtOnce = 4096;
// More do not fit into a file; beyond, the offset in bytes would overflow.
constexpr std::uint64_t kMostRecords = (std::uint64_t{1} << 62U) / kTraceRecordBytes;

std::string flag_names(std::uint16_t flags) {
  constexpr std::array<std::pair<std::uint16_t, const char*>, 5> kNames{{{kTraceTouchedPoison, "poison"},
                                                                         {kTraceCured, "cured"},
                                                                         {kTraceLied, "lied"},
                                                                         {kTraceBackingFailed, "backing-failed"},
                                                                         {kTraceRefused, "refused"}}};
  std::string names;
  for (const auto& [bit, name] : kNames) {
    if ((flags & bit) != 0) {
      names += names.empty() ? "" : ",";
      names += name;
    }
  }
  return names.empty() ? "-" : names;
}

// "EIO", "0" for success.
std::string error_name(std::uint32_t error) {
  const char* name = strerrorname_np(static_cast<int>(error));
  return name != nullptr ? name : std::to_string(error);
}

// Fills `buffer` from `offset` on; fewer bytes only at the end of the file.
Result<std::size_t> read_chunk(int file, std::span<std::byte> buffer, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t n = pread(file, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (n < 0) {
      return fail_errno("read the trace");
    }
    if (n == 0) {
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  return done;
}

}  // namespace

Result<std::vector<TraceRecord>> read_trace(const std::string& path, std::uint64_t first_record) {
  const auto file = open_file(path, O_RDONLY);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  std::vector<TraceRecord> records;
  if (first_record > kMostRecords) {
    return records;
  }
  std::vector<std::byte> buffer(kRecordsAtOnce * kTraceRecordBytes);
  while (true) {
    const auto got = read_chunk(file->get(), buffer, (first_record + records.size()) * kTraceRecordBytes);
    if (!got) {
      return wrap(got.error(), path);
    }
    for (std::size_t at = 0; at + kTraceRecordBytes <= *got; at += kTraceRecordBytes) {
      const auto record = decode(std::span(buffer).subspan(at).first<kTraceRecordBytes>());
      if (!record) {
        return wrap(record.error(), path + ": record " + std::to_string(first_record + records.size()));
      }
      records.push_back(*record);
    }
    if (*got < buffer.size()) {
      return records;
    }
  }
}

std::string to_string(const TraceRecord& record) {
  std::array<char, 80> tail{};
  std::snprintf(tail.data(), tail.size(), "time=%llu.%09llu digest=%016llx",
                static_cast<unsigned long long>(record.time_ns / 1'000'000'000),
                static_cast<unsigned long long>(record.time_ns % 1'000'000'000),
                static_cast<unsigned long long>(record.digest));
  return std::to_string(record.sequence) + " " + std::string(to_string(record.operation)) + " " +
         to_string(record.range) + " error=" + error_name(record.error) + " flags=" + flag_names(record.flags) + " " +
         tail.data();
}

}  // namespace pmend::medium
