// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/trace_news.hpp"

#include "pmend/model/events.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/repair/place.hpp"
#include "worker/places.hpp"
#include "worker/reread.hpp"

#include <nlohmann/json.hpp>

#include <sys/sysmacros.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace pmend::worker {
namespace {

using protocol::EventKind;
using std::chrono::steady_clock;

constexpr const char* kTrace = "trace";
// Of a disk that answers late, what is left is read after the next error.
constexpr std::chrono::seconds kBlockRereadLimit{30};
constexpr std::chrono::seconds kBlockChildLimit{60};
constexpr std::chrono::seconds kUnlistedLimit{60};
// The kernel lists a page only after it told of the machine check.
constexpr std::chrono::milliseconds kListedMeanwhile{1000};

}  // namespace

TraceNews::TraceNews(Parts parts)
    : parts_(std::move(parts)),
      counters_{kTrace, "", 0, 0, 0, 0},
      next_look_(parts_.io),
      health_(parts_.io, parts_.setting,
              {[this](dev_t device) { return is_watched(device); },
               [this](dev_t device, const ByteRange& range) { take_media_error(device, range); },
               [this](const std::string& node, const std::string& why) {
                 parts_.send_event(EventKind::kGap, to_json(protocol::Gap{kXfsHealth, why, node}));
               },
               [this](const std::string& text) {
                 parts_.send_event(EventKind::kNotice, to_json(protocol::Notice{kXfsHealth, text}));
               }}),
      source_(parts_.io, parts_.setting.roots.proc,
              {[this](const TraceEvent& event) { take(event); }, [this](std::uint64_t lost) { take_lost(lost); }}) {
  const auto boot_id = block::read_boot_id(parts_.setting.roots);
  if (!boot_id) {
    return;
  }
  file_ = std::make_unique<MachineCheckFile>(parts_.setting.options.runtime_dir, *boot_id);
  auto known = file_->read();
  if (known) {
    checks_ = std::move(*known);
  } else {
    // What it held counts as unplaced from here on, for HardwareCorrupted has not forgotten it.
    notice(known.error().message());
  }
}

void TraceNews::add_to(protocol::WatchReply& reply) const {
  reply.sources.insert(reply.sources.end(), source_.events().begin(), source_.events().end());
  if (!source_.absent().empty()) {
    reply.absent.push_back("memory errors and block errors that the kernel traces: " + source_.absent());
  }
}

void TraceNews::add_counters(std::vector<protocol::SourceCounters>& counters) const {
  counters.push_back(counters_);
  health_.add_counters(counters);
}

void TraceNews::device_found(const block::BlockDevice& device, const std::string& device_id, bool own_list) {
  Watched watched{device_id, device.number, {}, {}};
  if (own_list && !device.partition) {
    watched.on_disk = OnDisk{device.number, {0, device.size_bytes}, {}};
  } else if (own_list) {
    if (const auto disk = block::read_device(parts_.setting.roots, device.partition->disk)) {
      watched.on_disk = OnDisk{disk->number, device.partition->disk_range, {}};
    }
  }
  watched_.insert_or_assign(device.node, std::move(watched));
  health_.look();
  look_again();
}

void TraceNews::device_gone(const std::string& node) {
  watched_.erase(node);
  std::erase_if(told_, [&node](const auto& told) { return told.first.second == node; });
}

void TraceNews::take(const TraceEvent& event) {
  ++counters_.events;
  if (const auto* block = std::get_if<BlockError>(&event)) {
    const auto lost = lost_blocks(*block);
    if (!lost || !take_block_error({makedev(block->major, block->minor), *lost})) {
      ignore();
    }
  } else if (const auto* failure = std::get_if<MemoryFailure>(&event)) {
    const auto physical = lost_memory(*failure);
    physical ? take_memory(*physical, failure->counts()) : ignore();
  } else if (const auto* check = std::get_if<MachineCheck>(&event)) {
    // The same memory error comes as memory failure too, where the kernel handles it; that one is counted.
    const auto physical = lost_memory(*check);
    physical ? take_memory(*physical, false) : ignore();
  } else if (const auto* cxl = std::get_if<CxlMediaError>(&event)) {
    take_cxl(*cxl);
  }
}

void TraceNews::take_lost(std::uint64_t lost) {
  counters_.gaps += lost;
  parts_.send_event(EventKind::kGap,
                    to_json(protocol::Gap{kTrace, std::to_string(lost) + " events of tracepoints were lost", {}}));
}

bool TraceNews::take_block_error(const OnWholeDisk& lost) {
  bool wanted = false;
  for (auto& [node, watched] : watched_) {
    if (!watched.on_disk || watched.on_disk->disk != lost.disk) {
      continue;
    }
    const ByteRange& place = watched.on_disk->disk_range;
    const auto on_disk = intersect(lost.disk_range, place);
    const ByteRange failed = on_disk ? ByteRange{on_disk->offset - place.offset, on_disk->length} : ByteRange{};
    if (on_disk && !parts_.is_scrubbed(node, failed) && watched.on_disk->errors.add(failed, steady_clock::now())) {
      wanted = true;
      start_reread(node, watched);
    }
  }
  return wanted;
}

TraceNews::OnWholeDisk TraceNews::on_whole_disk(dev_t device, const ByteRange& device_range) const {
  const auto found = block::read_device(parts_.setting.roots, device);
  if (!found || !found->partition) {
    return {device, device_range};
  }
  const auto disk = block::read_device(parts_.setting.roots, found->partition->disk);
  return {disk ? disk->number : 0, {found->partition->disk_range.offset + device_range.offset, device_range.length}};
}

bool TraceNews::is_watched(dev_t device) const {
  const dev_t disk = on_whole_disk(device, {}).disk;
  return std::ranges::any_of(watched_, [disk, device](const auto& entry) {
    const Watched& watched = entry.second;
    return watched.number == disk || watched.number == device || (watched.on_disk && watched.on_disk->disk == disk);
  });
}

void TraceNews::take_media_error(dev_t device, const ByteRange& device_range) {
  const OnWholeDisk lost = on_whole_disk(device, device_range);
  for (auto& [node, watched] : watched_) {
    if (!watched.on_disk && watched.number == lost.disk) {
      watched.suspects.insert(lost.disk_range);
      look_soon();
    }
  }
  take_block_error(lost);
}

void TraceNews::start_reread(const std::string& node, Watched& watched) {
  if (!watched.on_disk->errors.ready()) {
    return;
  }
  ++counters_.rereads;
  // What comes of it is in the list, which is watched.
  parts_.run_child(
      kBlockChildLimit,
      [setting = parts_.setting, node, id = watched.device_id, wanted = watched.on_disk->errors.take()]() -> Answer {
        const auto context = find_context(setting, node, id);
        const auto device = context ? open_device(*context) : tl::make_unexpected(context.error());
        const Status noted = device ? read_and_note(SuspectList(suspect_directory(setting.options), id), device->place,
                                                    wanted, kBlockRereadLimit)
                                    : tl::make_unexpected(device.error());
        return noted ? Answer(Json::object()) : tl::make_unexpected(reply_error(noted.error()));
      },
      [this, node](const Answer&) { reread_done(node); });
}

void TraceNews::reread_done(const std::string& node) {
  const auto found = watched_.find(node);
  if (found == watched_.end() || !found->second.on_disk) {
    return;
  }
  found->second.on_disk->errors.done(steady_clock::now());
  start_reread(node, found->second);
}

void TraceNews::take_memory(const ByteRange& physical, bool counts) {
  const MachineChecks before = checks_;
  checks_.pages.insert(round_out(physical, repair::kPageBytes));
  checks_.counted += counts ? 1U : 0U;
  if (checks_ != before && file_) {
    if (const Status written = file_->write(checks_); !written) {
      notice(written.error().message());
    }
  }
  look_soon();
}

void TraceNews::take_cxl(const CxlMediaError& error) {
  const auto physical = lost_memory(error);
  if (!physical) {
    return ignore();
  }
  error.cleared ? void(cxl_.erase(*physical)) : cxl_.insert(*physical);
  look_soon();
}

void TraceNews::look_again() {
  if (!checks_.pages.empty() || !cxl_.empty() || !told_.empty()) {
    look_soon();
  }
}

void TraceNews::look_soon() {
  if (!next_look_.is_set()) {
    next_look_.set(kListedMeanwhile, [this] { look(); });
  }
}

void TraceNews::look() {
  if (std::exchange(looking_, true)) {
    look_once_more_ = true;
    return;
  }
  ++counters_.rereads;
  SuspectMemory suspects{{{kMemoryFailure, checks_.pages}, {kCxl, cxl_}}, {}};
  for (const auto& [node, watched] : watched_) {
    suspects.by_node[node] = watched.suspects;
  }
  parts_.run_child(
      kUnlistedLimit,
      [setting = parts_.setting, placer = parts_.placer, suspects = std::move(suspects)]() -> Answer {
        return to_json(find_unlisted(setting, placer(), suspects));
      },
      [this](const Answer& answer) {
        looking_ = false;
        tell(answer);
        if (std::exchange(look_once_more_, false)) {
          look_soon();
        }
      });
}

void TraceNews::tell(const Answer& answer) {
  const auto found =
      answer ? from_json<UnlistedMemory>(*answer) : Result<UnlistedMemory>(fail(Errc::kInternal, answer.error().what));
  if (!found) {
    parts_.send_event(EventKind::kGap, to_json(protocol::Gap{kMemoryFailure, found.error().message(), {}}));
    return;
  }
  if (found->outside > 0 && !std::exchange(told_outside_, true)) {
    notice(std::to_string(found->outside) +
           " page(s) of memory that lost bytes lie on no block device: nothing here can repair them");
  }
  auto silent = told_;
  for (const MediaErrorList& list : found->lists) {
    silent.erase({list.source, list.device});
    tell_list(list);
  }
  for (auto& [key, list] : silent) {
    list.ranges.clear();
    list.complete = true;
    tell_list(list);
  }
}

void TraceNews::tell_list(const MediaErrorList& list) {
  const auto [told, first] = told_.try_emplace({list.source, list.device});
  if (list.device_id.empty()) {  // it could not be looked at: what was told stays
    first ? void(told_.erase(told)) : void();
  } else if (told->second != list) {
    told->second = list;
    parts_.tell(list);
  }
}

void TraceNews::notice(const std::string& text) {
  parts_.send_event(EventKind::kNotice, to_json(protocol::Notice{kTrace, text}));
}

}  // namespace pmend::worker
