// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/dm_table.hpp"

#include "pmend/base/unique_fd.hpp"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

namespace pmend::kernel {
namespace {

constexpr const char* kControl = "/dev/mapper/control";
constexpr std::size_t kFirstTableBytes = 16U << 10U;
constexpr std::size_t kMostTableBytes = 64U << 20U;  // some 500,000 targets

tl::unexpected<Error> no_table(const char* why) {
  return fail(Errc::kInvalid, std::string("table of the device mapper: ") + why);
}

// huge_encode_dev()
std::uint64_t encode_number(dev_t device) {
  return (minor(device) & 0xFFU) | (std::uint64_t{major(device)} << 8U) |
         (std::uint64_t{minor(device) & ~0xFFU} << 12U);
}

// Text up to a NUL, or to the end.
std::string text_in(std::span<const std::byte> bytes) {
  const auto end = std::ranges::find(bytes, std::byte{0});
  std::string text;
  std::transform(bytes.begin(), end, std::back_inserter(text), [](std::byte byte) { return static_cast<char>(byte); });
  return text;
}

bool places_bytes(std::string_view type) {
  return type == "linear" || type == "striped";
}

// Forgets what it held: it may have been a key.
class Answer {
 public:
  explicit Answer(std::size_t bytes) : bytes_(bytes) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() { explicit_bzero(bytes_.data(), bytes_.size()); }

  std::span<std::byte> bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace

Result<std::vector<DmTarget>> decode_dm_targets(std::span<const std::byte> targets, std::uint32_t count) {
  std::vector<DmTarget> decoded;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    dm_target_spec spec{};
    if (at > targets.size() || targets.size() - at < sizeof spec) {
      return no_table("cut off");
    }
    std::memcpy(&spec, targets.data() + at, sizeof spec);
    const auto range = to_bytes({spec.sector_start, spec.length});
    const std::size_t next = i + 1 == count ? targets.size() : spec.next;
    if (!range || next < at + sizeof spec || next > targets.size()) {
      return no_table("a target of no size or place");
    }
    DmTarget target;
    target.range = *range;
    target.type = text_in(std::as_bytes(std::span(spec.target_type)));
    if (places_bytes(target.type)) {
      target.parameters = text_in(targets.subspan(at + sizeof spec, next - at - sizeof spec));
    }
    decoded.push_back(std::move(target));
    at = next;
  }
  return decoded;
}

Result<std::vector<DmTarget>> dm_table(dev_t device) {
  const auto control = open_file(kControl, O_RDWR);
  if (!control) {
    return tl::make_unexpected(control.error());
  }
  for (std::size_t size = kFirstTableBytes; size <= kMostTableBytes; size *= 4) {
    Answer answer(size);
    dm_ioctl head{};
    head.version[0] = DM_VERSION_MAJOR;
    head.data_size = static_cast<std::uint32_t>(size);
    head.data_start = sizeof head;
    head.dev = encode_number(device);
    head.flags = DM_STATUS_TABLE_FLAG | DM_NOFLUSH_FLAG | DM_SECURE_DATA_FLAG;
    std::memcpy(answer.bytes().data(), &head, sizeof head);
    if (ioctl(control->get(), DM_TABLE_STATUS, answer.bytes().data()) < 0) {
      return fail_errno("DM_TABLE_STATUS");
    }
    std::memcpy(&head, answer.bytes().data(), sizeof head);
    if ((head.flags & DM_BUFFER_FULL_FLAG) != 0) {
      continue;
    }
    if (head.data_start > size || head.data_size > size || head.data_start > head.data_size) {
      return no_table("its head");
    }
    return decode_dm_targets(answer.bytes().subspan(head.data_start, head.data_size - head.data_start),
                             head.target_count);
  }
  return no_table("too large");
}

}  // namespace pmend::kernel
