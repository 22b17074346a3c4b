// SPDX-License-Identifier: Apache-2.0
#include "worker/answers.hpp"

#include "pmend/base/text.hpp"
#include "pmend/repair/plan_frozen.hpp"
#include "pmend/repair/planner.hpp"
#include "pmend/repair/sectors.hpp"
#include "pmend/rmap/locate_file.hpp"
#include "worker/lists.hpp"
#include "worker/owners.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>

namespace pmend::worker {
namespace {

using protocol::Listed;
using protocol::ObservedRange;
using protocol::Readable;

// A person who asks where something lies waits about as long as pmend does (60 s).
constexpr std::chrono::milliseconds kLocateNamesLimit{45'000};
// No request sets a longer one; keeps the sum of times in range.
constexpr std::uint64_t kMostNamesMs = 600'000;

Listed is_listed(const Result<repair::BadList>& list, const ByteRange& range) {
  if (list && list->bad.overlaps(range)) {
    return Listed::kYes;
  }
  return list && list->complete ? Listed::kNo : Listed::kUnknown;
}

Readable is_readable(const repair::Place& place, const ByteRange& range) {
  const auto read = repair::read_sectors(place, round_out(range, place.block_bytes));
  if (!read) {
    return Readable::kUnknown;
  }
  return read->all_readable() ? Readable::kYes : Readable::kNo;
}

Result<block::BlockContext> context_of_file(const Setting& setting, const std::string& path) {
  const std::string shown = escape_bytes(path);
  struct stat status {};
  if (lstat(path.c_str(), &status) < 0) {
    return fail_errno("stat " + shown);
  }
  const auto device = block::read_device(setting.roots, status.st_dev);
  if (!device && S_ISBLK(status.st_mode)) {
    return fail(Errc::kInvalid, shown + " is a block device: name an offset and a length in it too");
  }
  if (!device) {
    return fail(Errc::kUnsupported, shown + " lies on no block device (its file system's number is " +
                                        std::to_string(major(status.st_dev)) + ":" +
                                        std::to_string(minor(status.st_dev)) + ")");
  }
  return block::read_block_context(setting.roots, device->node);
}

std::vector<ByteRange> bad_of(const Setting& setting, const block::BlockContext& context,
                              const std::vector<Owner>& owners) {
  const auto place = list_of(setting.config, context.device);
  const auto list = place ? read_bad_list(*place, context.device.size_bytes) : Result<repair::BadList>();
  RangeSet bad;
  for (const Owner& owner : owners) {
    for (const ByteRange& range : list ? list->bad.common(owner.device_range) : std::vector<ByteRange>()) {
      bad.insert(range);
    }
  }
  return bad.ranges();
}

}  // namespace

Result<protocol::DeviceInfo> describe(const Setting& setting, const std::string& device) {
  const auto context = block::read_block_context(setting.roots, device);
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  return block::device_info(*context);
}

Result<protocol::Observation> observe(const Setting& setting, const protocol::ObserveRequest& request) {
  const auto context = find_context(setting, request.device, request.device_id);
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  const auto device = open_device(*context);
  const std::chrono::milliseconds names_limit(std::min(request.names_ms, kMostNamesMs));
  auto ranges = find_owners(setting, *context, request.ranges, {request.facts, names_limit});
  if (!device || !ranges) {
    return tl::make_unexpected(device ? ranges.error() : device.error());
  }
  const auto where = list_of(setting.config, context->device);
  const auto list = where ? read_bad_list(*where, context->device.size_bytes)
                          : Result<repair::BadList>(fail(Errc::kNotFound, "list of " + request.device));
  for (ObservedRange& range : *ranges) {
    range.listed = is_listed(list, range.device_range);
    range.readable = is_readable(device->place, range.device_range);
  }
  return protocol::Observation{block::device_info(*context), context->boot_id, std::move(*ranges)};
}

Result<protocol::PlanReply> plan(const Setting& setting, const protocol::PlanRequest& request) {
  if (const auto refusal = repair::refusal_for_owners(request.owners); refusal && !repair::may_freeze(request)) {
    return protocol::PlanReply{std::nullopt, *refusal};
  }
  const auto context = find_context(setting, request.device, request.device_id);
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  if (request.ranges.empty()) {
    return fail(Errc::kInvalid, "no range to plan for");
  }
  const auto place = open_place(setting, *context, request.ranges.front());
  if (!place) {
    return tl::make_unexpected(place.error());
  }
  return repair::plan_repair(place->place, request);
}

Result<protocol::LocateReply> locate(const Setting& setting, const protocol::LocateRequest& request) {
  auto context = request.path ? context_of_file(setting, request.path->bytes)
                              : block::read_block_context(setting.roots, request.where->device);
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  protocol::LocateReply reply;
  reply.device = block::device_info(*context);
  if (request.path) {
    if (context->whole.use != block::VolumeUse::kMounted) {
      return fail(Errc::kUnsupported, "the file system of " + escape_bytes(request.path->bytes));
    }
    auto owners = rmap::locate_file(mounted(context->whole), request.path->bytes, {});
    if (!owners) {
      return tl::make_unexpected(owners.error());
    }
    reply.owners = std::move(*owners);
  } else {
    if (const ByteRange whole{0, context->device.size_bytes}; !whole.contains(request.where->device_range)) {
      return fail(Errc::kInvalid, to_string(request.where->device_range) + " reaches beyond the end of " +
                                      request.where->device + ", which has " + std::to_string(whole.length) + " bytes");
    }
    auto ranges =
        find_owners(setting, *context, {request.where->device_range}, {{protocol::Fact::kNames}, kLocateNamesLimit});
    for (ObservedRange& range : *ranges) {
      std::ranges::move(range.owners, std::back_inserter(reply.owners));
    }
  }
  reply.bad = bad_of(setting, *context, reply.owners);
  return reply;
}

Result<MediaErrorList> list(const Setting& setting, const protocol::DeviceRequest& request) {
  const auto device = block::find_device(setting.roots, request.device);
  const auto boot_id = block::read_boot_id(setting.roots);
  if (!device || !boot_id) {
    return tl::make_unexpected(device ? boot_id.error() : device.error());
  }
  auto id = block::device_id(*device, *boot_id);
  const auto place = list_of(setting.config, *device);
  if (!id || !place) {
    return id ? Result<MediaErrorList>(fail(Errc::kNotFound, "list of " + request.device))
              : tl::make_unexpected(id.error());
  }
  const auto bad = read_bad_list(*place, device->size_bytes);
  if (!bad) {
    return tl::make_unexpected(bad.error());
  }
  return MediaErrorList{device->node, std::move(*id), place->source, bad->bad.ranges(), bad->complete};
}

}  // namespace pmend::worker
