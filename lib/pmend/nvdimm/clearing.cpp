// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/clearing.hpp"

#include "pmend/base/text.hpp"

#include <sys/utsname.h>

#include <string_view>

namespace pmend::nvdimm {
namespace {

using protocol::CanClear;
using protocol::Clearing;
using protocol::PmemMode;

constexpr KernelVersion kRecoveryWrite{5, 19};

constexpr const char* kMoveAway =
    "bring back the files from a copy on other memory; a new namespace or a reboot shows whether the place stays bad";

Clearing no(std::string reason, std::string advice) {
  return {CanClear::kNo, std::move(reason), std::move(advice)};
}

std::optional<Clearing> no_by_mode(const Namespace& name_space) {
  switch (name_space.mode) {
    case PmemMode::kDevdax:
      return no("a device-dax namespace has no block device that could be written through",
                "the program that maps it has to give up the place; ndctl-clear-errors(1) clears it while nothing uses "
                "the namespace");
    case PmemMode::kSector:
      return no("its sectors are moved by a translation table at each write, so no write reaches the bad place",
                "write the file anew: the driver clears bad sectors before it uses them again");
    case PmemMode::kFsdax:
    case PmemMode::kRaw:
      return std::nullopt;
  }
  return std::nullopt;
}

Clearing by_commands(const Bus& bus) {
  if (bus.ars_cap && bus.clear_error) {
    return {CanClear::kYes, "the firmware of bus " + escape_bytes(bus.provider) + " takes the command clear_error", ""};
  }
  return no("the firmware of bus " + escape_bytes(bus.provider) + " has no command " +
                (bus.ars_cap       ? "clear_error"
                 : bus.clear_error ? "ars_cap"
                                   : "ars_cap and none clear_error"),
            kMoveAway);
}

Clearing by_bus(const Bus& bus) {
  switch (bus.kind) {
    case BusKind::kNfit:
      return by_commands(bus);
    case BusKind::kCxl:
      return no("the kernel's driver for CXL memory cannot clear errors", kMoveAway);
    case BusKind::kPapr:
      return no("the kernel's driver for PowerVM memory cannot clear errors", kMoveAway);
    case BusKind::kSimulated:
      return {CanClear::kYes, "bus " + escape_bytes(bus.provider) + " asks no firmware: a write ends the list entry",
              ""};
    case BusKind::kOther:
      break;
  }
  if (bus.ars_cap && bus.clear_error) {
    return by_commands(bus);
  }
  return {CanClear::kUnknown, "bus " + escape_bytes(bus.provider) + " is of a kind that is not known to clear errors",
          kMoveAway};
}

}  // namespace

Result<KernelVersion> parse_kernel_version(const std::string& release) {
  const std::string_view text = release;
  const std::size_t dot = text.find('.');
  const std::size_t end = dot == std::string_view::npos ? dot : text.find_first_not_of("0123456789", dot + 1);
  const auto major_number = parse_u64(text.substr(0, dot));
  const auto minor_number = dot == std::string_view::npos
                                ? major_number
                                : parse_u64(text.substr(dot + 1, end == text.npos ? end : end - dot - 1));
  if (dot == std::string_view::npos || !major_number || !minor_number) {
    return fail(Errc::kInvalid, "not the version of a kernel: " + escape_bytes(release));
  }
  return KernelVersion{*major_number, *minor_number};
}

Result<KernelVersion> running_kernel() {
  struct utsname names {};
  if (uname(&names) < 0) {
    return fail_errno("uname");
  }
  return parse_kernel_version(names.release);
}

Clearing clearing(const NamespacePlace& place, const KernelVersion& kernel) {
  if (const auto by_mode = no_by_mode(place.name_space)) {
    return *by_mode;
  }
  if (place.region.read_only) {
    return no(escape_bytes(place.region.name) + " is read-only", "find out what made it so; ndctl-list(1) shows it");
  }
  if (kernel < kRecoveryWrite) {
    return no("before Linux 5.19 no write to a mapped file reaches a bad page", "boot a newer kernel");
  }
  return by_bus(place.bus);
}

}  // namespace pmend::nvdimm
