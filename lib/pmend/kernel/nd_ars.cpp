// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/nd_ars.hpp"

#include <linux/ndctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace pmend::kernel {
namespace {

constexpr std::uint32_t kFailed = 0xFFFF;
constexpr std::uint32_t kRunning = 1U << 16U;
constexpr std::uint32_t kNoneYet = 2U << 16U;
constexpr std::uint16_t kOverflow = 1;
// Firmware may ask for any amount; the kernel takes no more (ND_IOCTL_MAX_BUFLEN).
constexpr std::size_t kMostBytes = 4U << 20U;

Result<std::size_t> answer_bytes(int control_fd, const ByteRange& physical) {
  nd_cmd_ars_cap cap{};
  cap.address = physical.offset;
  cap.length = physical.length;
  if (ioctl(control_fd, ND_IOCTL_ARS_CAP, &cap) < 0) {
    return fail_errno("ND_IOCTL_ARS_CAP " + to_string(physical));
  }
  if ((cap.status & kFailed) != 0) {
    return fail(Errc::kUnsupported, "address range scrub of " + to_string(physical));
  }
  return std::clamp<std::size_t>(cap.max_ars_out, sizeof(nd_cmd_ars_status), kMostBytes - sizeof(nd_cmd_ars_status));
}

Status check(const nd_cmd_ars_status& status) {
  if ((status.status & kFailed) != 0) {
    return fail(Errc::kUnsupported, "ND_IOCTL_ARS_STATUS: the firmware's status is " + std::to_string(status.status));
  }
  if (status.status == kNoneYet) {
    return fail(Errc::kNotFound, "no address range scrub since the machine started");
  }
  if (status.status == kRunning || status.status != 0 || (status.flags & kOverflow) != 0) {
    return fail(Errc::kIncomplete, "the address range scrub is not over, or has more records than fit");
  }
  return {};
}

}  // namespace

Result<ArsRecords> ars_records(int control_fd, const ByteRange& physical) {
  const auto bytes = answer_bytes(control_fd, physical);
  if (!bytes) {
    return tl::make_unexpected(bytes.error());
  }
  // Kernels of old write four bytes too many.
  std::vector<std::byte> buffer(sizeof(nd_cmd_ars_status) + *bytes + 4);
  const auto out_length = static_cast<std::uint32_t>(*bytes);
  std::memcpy(buffer.data() + offsetof(nd_cmd_ars_status, out_length), &out_length, sizeof out_length);
  if (ioctl(control_fd, ND_IOCTL_ARS_STATUS, buffer.data()) < 0) {
    return fail_errno("ND_IOCTL_ARS_STATUS");
  }
  auto status = nd_cmd_ars_status();  // not in braces: to clang that makes an array of no elements
  std::memcpy(&status, buffer.data(), sizeof status);
  if (auto good = check(status); !good) {
    return tl::make_unexpected(good.error());
  }
  ArsRecords records;
  const auto covered = make_byte_range(status.address, status.length);
  const std::size_t most = (buffer.size() - sizeof status) / sizeof(nd_cmd_ars_status::nd_ars_record);
  if (!covered || status.num_records > most) {
    return fail(Errc::kInvalid, "ND_IOCTL_ARS_STATUS: " + std::to_string(status.num_records) + " records");
  }
  records.covered = *covered;
  for (std::size_t i = 0; i < status.num_records; ++i) {
    nd_cmd_ars_status::nd_ars_record record{};
    std::memcpy(&record, buffer.data() + sizeof status + i * sizeof record, sizeof record);
    if (const auto range = make_byte_range(record.err_address, record.length); range && !range->empty()) {
      records.bad.push_back(*range);
    }
  }
  return records;
}

}  // namespace pmend::kernel
