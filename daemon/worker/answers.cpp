// SPDX-License-Identifier: Apache-2.0
#include "worker/answers.hpp"

#include "pmend/base/text.hpp"
#include "pmend/repair/plan_frozen.hpp"
#include "pmend/repair/planner.hpp"
#include "pmend/repair/sectors.hpp"
#include "pmend/rmap/btrfs_places.hpp"
#include "pmend/rmap/locate_file.hpp"
#include "worker/lists.hpp"
#include "worker/owners.hpp"
#include "worker/pmem.hpp"
#include "worker/reread.hpp"

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

// pmend waits 30 s for a list, and the last read may take 11 s.
constexpr std::chrono::seconds kListRereadLimit{15};

Listed is_listed(const Result<repair::BadList>& list, const ByteRange& range) {
  if (list && list->bad.overlaps(range)) {
    return Listed::kYes;
  }
  return list && list->knows(range) ? Listed::kNo : Listed::kUnknown;
}

// Of `range` only, though the pages around it are read where pmend's own list is to know of them.
Readable is_readable(const repair::SectorsRead& read, const ByteRange& range, std::uint64_t block_bytes) {
  const ByteRange blocks = round_out(range, block_bytes);
  const auto first =
      read.readable.begin() + static_cast<std::ptrdiff_t>((blocks.offset - read.device_range.offset) / kSectorBytes);
  const auto last = first + static_cast<std::ptrdiff_t>(blocks.length / kSectorBytes);
  return std::all_of(first, last, [](bool good) { return good; }) ? Readable::kYes : Readable::kNo;
}

// Reads all ranges directly; what pmend's own list has to take up is durable in it afterwards.
void look_at_medium(std::vector<ObservedRange>& ranges, const repair::Place& place,
                    const std::optional<ListPlace>& list) {
  const std::uint64_t around = list && list->own ? std::max(kRereadBytes, place.block_bytes) : place.block_bytes;
  ReadFinds finds;
  for (ObservedRange& range : ranges) {
    const auto wanted = intersect(round_out(range.device_range, around), {0, place.device_bytes});
    const auto read = wanted ? repair::read_sectors(place, *wanted) : tl::make_unexpected(Error());
    if (!read) {
      range.readable = Readable::kUnknown;
      continue;
    }
    range.readable = is_readable(*read, range.device_range, place.block_bytes);
    finds.add(*read);
  }
  if (list && list->own) {
    // What cannot be noted is found again, and the list that cannot be written tells of itself when it is read.
    [[maybe_unused]] const auto noted = list->own->note(finds.bad, finds.good);
  }
}

protocol::DeviceInfo device_info(const Setting& setting, const block::BlockContext& context) {
  protocol::DeviceInfo info = block::device_info(context);
  info.pmem = pmem_info(setting, context.device);
  return info;
}

Result<block::BlockContext> context_of_file(const Setting& setting, const std::string& path) {
  const std::string shown = escape_bytes(path);
  struct stat status {};
  if (lstat(path.c_str(), &status) < 0) {
    return fail_errno("stat " + shown);
  }
  // The files of btrfs have device numbers of their own; a mount names one of its devices.
  for (const std::string& node : rmap::btrfs_nodes_of(path)) {
    auto context = block::read_block_context(setting.roots, node);
    if (context && context->whole.use == block::VolumeUse::kMounted) {
      return context;
    }
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
  const auto place = list_of(setting, context.device, context.device_id);
  const auto list = place ? read_bad_list(*place, context.device.size_bytes) : Result<repair::BadList>();
  RangeSet bad;
  for (const Owner& owner : owners) {
    for (const ByteRange& range : list ? list->bad.common(owner.device_range) : std::vector<ByteRange>()) {
      bad.insert(range);
    }
  }
  return bad.ranges();
}

const std::string& device_of(const protocol::LocateRequest& request) {
  return request.where ? request.where->device : request.among->device;
}

Result<std::vector<Owner>> owners_of_file(const block::BlockContext& context, const std::string& path) {
  if (context.whole.use != block::VolumeUse::kMounted) {
    return fail(Errc::kUnsupported, "the file system of " + escape_bytes(path));
  }
  return rmap::locate_file(mounted(context.whole), path, {});
}

Result<std::vector<Owner>> owners_of_ranges(const Setting& setting, const block::BlockContext& context,
                                            const protocol::LocateRequest& request) {
  const ByteRange whole{0, context.device.size_bytes};
  if (request.where && !whole.contains(request.where->device_range)) {
    return fail(Errc::kInvalid, to_string(request.where->device_range) + " reaches beyond the end of " +
                                    request.where->device + ", which has " + std::to_string(whole.length) + " bytes");
  }
  const auto wanted = request.where ? std::vector{request.where->device_range} : request.among->ranges;
  auto ranges = find_owners(setting, context, wanted, {{protocol::Fact::kNames}, kLocateNamesLimit});
  if (!ranges) {
    return tl::make_unexpected(ranges.error());
  }
  std::vector<Owner> owners;
  for (ObservedRange& range : *ranges) {
    std::ranges::move(range.owners, std::back_inserter(owners));
  }
  return owners;
}

// Reads what is listed again: this is how it leaves the list. The id may take a look at the medium (PARTUUID).
Result<MediaErrorList> list_own(const Setting& setting, const protocol::DeviceRequest& request) {
  const auto context = block::read_block_context(setting.roots, request.device);
  const auto device = context ? open_device(*context) : tl::make_unexpected(context.error());
  if (!device) {
    return tl::make_unexpected(device.error());
  }
  const SuspectList list(suspect_directory(setting.options), context->device_id);
  const RangeSet everything({{0, context->device.size_bytes}});
  const auto bad = read_again(list, device->place, everything, kListRereadLimit);
  if (!bad) {
    return tl::make_unexpected(bad.error());
  }
  return MediaErrorList{context->device.node, context->device_id, kOwnList, bad->bad.ranges(), bad->complete};
}

}  // namespace

Result<protocol::DeviceInfo> describe(const Setting& setting, const std::string& device) {
  const auto context = block::read_block_context(setting.roots, device);
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  return device_info(setting, *context);
}

Result<protocol::Observation> observe(const Setting& setting, const protocol::ObserveRequest& request,
                                      const PhantomJudge& judge) {
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
  const auto where = list_of(setting, context->device, context->device_id);
  look_at_medium(*ranges, device->place, where);
  const auto list = where ? read_bad_list(*where, context->device.size_bytes)
                          : Result<repair::BadList>(fail(Errc::kNotFound, "list of " + request.device));
  const bool wants_phantom = std::ranges::find(request.facts, protocol::Fact::kPhantom) != request.facts.end();
  for (ObservedRange& range : *ranges) {
    range.listed = is_listed(list, range.device_range);
    if (range.listed == Listed::kYes && wants_phantom) {
      range.phantom = judge(context->device.node, range.device_range);
    }
  }
  return protocol::Observation{device_info(setting, *context), context->boot_id, std::move(*ranges)};
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
  const auto place = open_place(setting, *context, request.ranges);
  if (!place) {
    return tl::make_unexpected(place.error());
  }
  return repair::plan_repair(place->place, request);
}

Result<protocol::LocateReply> locate(const Setting& setting, const protocol::LocateRequest& request) {
  auto context = request.path ? context_of_file(setting, request.path->bytes)
                              : block::read_block_context(setting.roots, device_of(request));
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  auto owners =
      request.path ? owners_of_file(*context, request.path->bytes) : owners_of_ranges(setting, *context, request);
  if (!owners) {
    return tl::make_unexpected(owners.error());
  }
  protocol::LocateReply reply{device_info(setting, *context), std::move(*owners), {}};
  reply.bad = bad_of(setting, *context, reply.owners);
  return reply;
}

Result<MediaErrorList> list(const Setting& setting, const protocol::DeviceRequest& request) {
  const auto device = block::find_device(setting.roots, request.device);
  const auto boot_id = block::read_boot_id(setting.roots);
  if (!device || !boot_id) {
    return tl::make_unexpected(device ? boot_id.error() : device.error());
  }
  const auto id = block::device_id(*device, *boot_id);
  const auto place = id ? list_of(setting, *device, *id) : std::nullopt;
  if (!place) {
    return id ? Result<MediaErrorList>(fail(Errc::kNotFound, "list of " + request.device))
              : tl::make_unexpected(id.error());
  }
  if (place->own) {
    return list_own(setting, request);
  }
  const auto bad = read_bad_list(*place, device->size_bytes);
  if (!bad) {
    return tl::make_unexpected(bad.error());
  }
  return MediaErrorList{device->node, *id, place->source, bad->bad.ranges(), bad->complete};
}

}  // namespace pmend::worker
