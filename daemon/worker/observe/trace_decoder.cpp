// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/trace_decoder.hpp"

#include "pmend/base/text.hpp"

#include <traceevent/event-parse.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

namespace pmend::worker {
namespace {

// Sub-buffers are a page unless somebody made them larger (buffer_subbuf_size_kb, Linux 6.8).
constexpr std::size_t kLargestPage = 1U << 20U;
// Linux include/linux/kdev_t.h.
constexpr unsigned kMinorBits = 20;
constexpr bool kBigEndian = std::endian::native == std::endian::big;

using Record = std::span<std::byte>;

// The fields of one record by name. What is not there, or not inside the record, makes it `broken`.
class Fields {
 public:
  Fields(tep_handle* tep, tep_event* event, Record record) : tep_(tep), event_(event), record_(record) {}

  bool broken() const { return broken_; }

  std::uint64_t number(const char* name) {
    const tep_format_field* field = find(name);
    if (field == nullptr || (field->size != 1 && field->size != 2 && field->size != 4 && field->size != 8)) {
      broken_ = true;
      return 0;
    }
    return tep_read_number(tep_, record_.data() + field->offset, field->size);
  }

  int small_number(const char* name) { return static_cast<int>(static_cast<std::int64_t>(number(name))); }

  // Of a char[N], or of a string that the record has behind its fields. Ended by the first zero, at the latest by its
  // own end.
  std::string text(const char* name) {
    const tep_format_field* field = find(name);
    if (field == nullptr) {
      return "";
    }
    auto offset = static_cast<std::size_t>(field->offset);
    auto length = static_cast<std::size_t>(field->size);
    if ((field->flags & TEP_FIELD_IS_DYNAMIC) != 0) {
      const std::uint64_t place = number(name);
      offset = place & 0xffffU;
      length = (place >> 16U) & 0xffffU;
    }
    if (offset + length > record_.size()) {
      broken_ = true;
      return "";
    }
    const char* begin = reinterpret_cast<const char*>(record_.data()) + offset;
    return {begin, std::find(begin, begin + length, '\0')};
  }

 private:
  const tep_format_field* find(const char* name) {
    const tep_format_field* field = tep_find_field(event_, name);
    const bool inside =
        field != nullptr && field->offset >= 0 && field->size > 0 &&
        static_cast<std::size_t>(field->offset) + static_cast<std::size_t>(field->size) <= record_.size();
    broken_ = broken_ || !inside;
    return inside ? field : nullptr;
  }

  tep_handle* tep_;
  tep_event* event_;
  Record record_;
  bool broken_ = false;
};

// As the kernel prints it: names and not numbers, which are others in other kernels. Only after all fields were found
// inside the record.
std::string printed(tep_handle* tep, Record record) {
  tep_record raw{};
  raw.data = record.data();
  raw.size = static_cast<int>(record.size());
  trace_seq out{};
  trace_seq_init(&out);
  tep_print_event(tep, &out, &raw, "%s", TEP_PRINT_INFO);
  trace_seq_terminate(&out);
  std::string text = out.state == TRACE_SEQ__GOOD ? escape_bytes(out.buffer) : "";
  trace_seq_destroy(&out);
  return text;
}

std::optional<TraceEvent> memory_failure(tep_handle* tep, Fields& fields, Record record) {
  MemoryFailure failure{fields.number("pfn"), ""};
  fields.number("type");
  fields.number("result");
  if (fields.broken()) {
    return std::nullopt;
  }
  failure.text = printed(tep, record);
  return failure;
}

std::optional<TraceEvent> machine_check(tep_handle*, Fields& fields, Record) {
  return MachineCheck{fields.number("status"), fields.number("addr"), fields.number("misc"),
                      fields.number("cpuvendor")};
}

std::optional<TraceEvent> block_error(tep_handle*, Fields& fields, Record) {
  const std::uint64_t device = fields.number("dev");
  const int error = fields.small_number("error");
  return BlockError{static_cast<std::uint32_t>(device >> kMinorBits),
                    static_cast<std::uint32_t>(device & ((1U << kMinorBits) - 1)),
                    {fields.number("sector"), fields.number("nr_sector")},
                    error < 0 ? -error : error,
                    fields.text("rwbs")};
}

// trace_type: 0 list, 1 inject, 2 clear (Linux drivers/cxl/core/trace.h, enum cxl_poison_trace_type).
constexpr std::uint64_t kCxlPoisonCleared = 2;
// Bit of the descriptor: the event is uncorrectable (CXL 3.0 table 8-43).
constexpr std::uint64_t kCxlUncorrectable = 1;

std::optional<TraceEvent> cxl_poison(tep_handle*, Fields& fields, Record) {
  return CxlMediaError{fields.number("hpa"), fields.number("dpa_length"), escape_bytes(fields.text("memdev")),
                       fields.number("trace_type") == kCxlPoisonCleared, false};
}

std::optional<TraceEvent> cxl_media_event(tep_handle*, Fields& fields, Record) {
  return CxlMediaError{fields.number("hpa"), 0, escape_bytes(fields.text("memdev")), false,
                       (fields.number("descriptor") & kCxlUncorrectable) == 0};
}

struct Kind {
  std::string_view name;
  std::optional<TraceEvent> (*read)(tep_handle*, Fields&, Record);
};
constexpr std::array kKinds = {Kind{"memory_failure_event", memory_failure},
                               Kind{"mce_record", machine_check},
                               Kind{"block_rq_error", block_error},
                               Kind{"block_rq_complete", block_error},
                               Kind{"cxl_poison", cxl_poison},
                               Kind{"cxl_general_media", cxl_media_event},
                               Kind{"cxl_dram", cxl_media_event}};

// A page: time stamp, word, events (Linux include/linux/ring_buffer.h, and events/header_event of tracefs). The word
// has the length of the events and says whether something before them was overwritten.
constexpr std::size_t kWordAt = sizeof(std::uint64_t);
constexpr std::size_t kEventsAt = kWordAt + sizeof(unsigned long);
constexpr unsigned long kLengthMask = (1UL << 20U) - 1;
constexpr unsigned long kMissedEvents = 1UL << 31U;
constexpr unsigned long kMissedStored = 1UL << 30U;  // how much stands behind the events

// Values of type_len; smaller ones are the length of the data in words.
constexpr std::uint32_t kLongData = 0;
constexpr std::uint32_t kPadding = 29;
constexpr std::uint32_t kTimeExtend = 30;
constexpr std::uint32_t kTimeStamp = 31;
constexpr std::size_t kHeaderBytes = sizeof(std::uint32_t);

// Walks over the events of a page. libtraceevent has the same (kbuffer), but believes every length in it.
class PageWalk {
 public:
  explicit PageWalk(std::span<const std::byte> page) : page_(page) {
    const unsigned long flags = page.size() < kEventsAt ? kLengthMask : word<unsigned long>(kWordAt);
    const std::size_t length = flags & kLengthMask;
    broken_ = page.size() < kEventsAt || length > page.size() - kEventsAt;
    end_ = broken_ ? 0 : kEventsAt + length;
    if (!broken_ && (flags & kMissedEvents) != 0) {
      const bool stored = (flags & kMissedStored) != 0 && page.size() - end_ >= sizeof(unsigned long);
      lost_ = stored ? std::max<std::uint64_t>(word<unsigned long>(end_), 1) : 1;
    }
  }

  bool broken() const { return broken_; }
  std::uint64_t lost() const { return lost_; }

  // The data of the next event, nothing at the end.
  std::optional<std::span<const std::byte>> next() {
    while (!broken_ && at_ + kHeaderBytes <= end_) {
      const auto header = word<std::uint32_t>(at_);
      const std::uint32_t type = kBigEndian ? header >> 27U : header & 0x1fU;
      const bool has_length = type == kLongData || type == kPadding;
      // What is told covers itself too.
      std::size_t begin = at_ + kHeaderBytes;
      std::size_t length = type == kTimeExtend || type == kTimeStamp ? kHeaderBytes : type * kHeaderBytes;
      if (has_length) {
        length = end_ - begin < kHeaderBytes ? 0 : word<std::uint32_t>(begin);
      }
      if (type == kPadding && (header & ~0x1fU) == 0) {  // the rest of the page
        return std::nullopt;
      }
      broken_ = length > end_ - begin || (has_length && length < kHeaderBytes);
      at_ = begin + length;
      if (!broken_ && type < kPadding) {
        begin += has_length ? kHeaderBytes : 0;
        return page_.subspan(begin, at_ - begin);
      }
    }
    return std::nullopt;
  }

 private:
  template <class T>
  T word(std::size_t offset) const {
    T value{};
    std::memcpy(&value, page_.data() + offset, sizeof value);
    return value;
  }

  std::span<const std::byte> page_;
  std::size_t at_ = kEventsAt;
  std::size_t end_ = 0;
  std::uint64_t lost_ = 0;
  bool broken_ = false;
};

}  // namespace

void TraceDecoder::Free::operator()(tep_handle* handle) const {
  tep_free(handle);
}

Result<TraceDecoder> TraceDecoder::create(const std::string& header_page) {
  std::unique_ptr<tep_handle, Free> handle(tep_alloc());
  if (!handle) {
    return fail_errno("allocate a trace decoder", ENOMEM);
  }
  tep_set_loglevel(TEP_LOG_NONE);
  tep_set_long_size(handle.get(), sizeof(long));
  tep_set_file_bigendian(handle.get(), kBigEndian ? TEP_BIG_ENDIAN : TEP_LITTLE_ENDIAN);
  tep_set_local_bigendian(handle.get(), kBigEndian ? TEP_BIG_ENDIAN : TEP_LITTLE_ENDIAN);
  std::string text = header_page;
  const int parsed = text.empty() ? -1 : tep_parse_header_page(handle.get(), text.data(), text.size(), sizeof(long));
  const int bytes = parsed == 0 ? tep_get_sub_buffer_size(handle.get()) : 0;
  if (bytes < 64 || static_cast<std::size_t>(bytes) > kLargestPage) {
    return fail(Errc::kInvalid, "header_page of tracefs is none that can be read");
  }
  return TraceDecoder(std::move(handle), static_cast<std::size_t>(bytes));
}

Status TraceDecoder::add_format(const std::string& system, const std::string& text) {
  const tep_errno error = tep_parse_event(handle_.get(), text.data(), text.size(), system.c_str());
  if (error != TEP_ERRNO__SUCCESS) {
    std::array<char, 200> why{};
    tep_strerror(handle_.get(), error, why.data(), why.size());
    return fail(Errc::kInvalid, "format of an event of " + system + ": " + why.data());
  }
  return {};
}

TracePage TraceDecoder::decode(std::span<const std::byte> page) const {
  TracePage result;
  PageWalk walk(page);
  result.lost = walk.lost();
  while (const auto data = walk.next()) {
    std::vector<std::byte> record(data->begin(), data->end());
    auto event = decode_record(record);
    event ? result.events.push_back(std::move(*event)) : void(++result.unreadable);
  }
  result.unreadable += walk.broken() ? 1U : 0U;
  return result;
}

std::optional<TraceEvent> TraceDecoder::decode_record(std::span<std::byte> record) const {
  constexpr std::size_t kCommonFields = 8;
  if (record.size() < kCommonFields) {
    return std::nullopt;
  }
  tep_record raw{};
  raw.data = record.data();
  raw.size = static_cast<int>(record.size());
  tep_event* event = tep_find_event_by_record(handle_.get(), &raw);
  const auto* kind =
      event == nullptr ? kKinds.end() : std::ranges::find(kKinds, std::string_view(event->name), &Kind::name);
  if (kind == kKinds.end()) {
    return std::nullopt;
  }
  Fields fields(handle_.get(), event, record);
  auto decoded = kind->read(handle_.get(), fields, record);
  return fields.broken() ? std::nullopt : std::move(decoded);
}

}  // namespace pmend::worker
