// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/ars_scrubs.hpp"

#include "pmend/block/block_context.hpp"
#include "pmend/model/json_reader.hpp"
#include "worker/lists.hpp"
#include "worker/scrub.hpp"

#include <utility>

namespace pmend::worker {
namespace {

// Where something else was being done at the time.
constexpr std::chrono::minutes kTryAgain{10};

void add_finds(const Setting& setting, const RangeSet& found, protocol::ScrubReply& reply) {
  reply.done = reply.size;
  reply.unreadable = finds_of(found);
  RangeSet unlisted;
  const auto device = block::find_device(setting.roots, reply.device);
  const auto place = device ? list_of(setting, *device, reply.device_id) : std::nullopt;
  const auto list = place ? read_bad_list(*place, reply.size) : Result<repair::BadList>();
  for (const ByteRange& range : found.ranges()) {
    for (const ByteRange& missing : list ? list->bad.missing(range) : std::vector{range}) {
      unlisted.insert(missing);
    }
  }
  reply.unlisted = finds_of(unlisted);
}

}  // namespace

ArsScrubs::ArsScrubs(boost::asio::io_context& io, Nvdimms& nvdimms, Send send)
    : nvdimms_(nvdimms), send_(std::move(send)), next_(io) {}

bool ArsScrubs::start(const Setting& setting, const protocol::Request& request) {
  const auto wanted = from_json<protocol::DeviceRequest>(request.body);
  const auto device = wanted ? block::find_device(setting.roots, wanted->device) : tl::make_unexpected(wanted.error());
  const auto boot_id = block::read_boot_id(setting.roots);
  ArsWatch* scrubs = device ? nvdimms_.scrubs_of(device->node) : nullptr;
  const auto id = scrubs != nullptr && boot_id ? block::device_id(*device, *boot_id)
                                               : Result<std::string>(fail(Errc::kNotFound, "no scrub"));
  if (!id) {
    return false;
  }
  protocol::ScrubReply reply;
  reply.device = device->node;
  reply.device_id = *id;
  reply.source = kArsRecords;
  reply.size = device->size_bytes;
  running_[request.id] = reply;
  scrubs->start([this, setting, number = request.id](const Result<ScrubRecords>& records) {
    const auto found = running_.find(number);
    if (found == running_.end()) {
      return;  // its request was ended before
    }
    protocol::Reply answer_message{number, {}, {}, {}};
    if (records) {
      add_finds(setting, nvdimms_.on_device(found->second.device, *records), found->second);
      answer_message.body = to_json(found->second);
    } else {
      answer_message.error = reply_error(records.error());
    }
    answer(number, answer_message);
  });
  return true;
}

void ArsScrubs::cancel(RequestId id) {
  if (const auto found = running_.find(id); found != running_.end()) {
    found->second.cancelled = true;
    answer(id, {id, to_json(found->second), {}, {}});
  }
}

void ArsScrubs::answer(RequestId id, const protocol::Reply& reply) {
  running_.erase(id);
  send_(reply);
}

void ArsScrubs::schedule(std::uint64_t hours, std::function<bool()> is_idle) {
  is_idle_ = std::move(is_idle);
  if (std::exchange(hours_, hours) != hours) {
    hours_ == 0 ? next_.cancel() : next_.set(std::chrono::hours(hours_), [this] { start_all(); });
  }
}

void ArsScrubs::start_all() {
  if (!is_idle_()) {
    next_.set(kTryAgain, [this] { start_all(); });
    return;
  }
  nvdimms_.start_scrubs();
  next_.set(std::chrono::hours(hours_), [this] { start_all(); });
}

}  // namespace pmend::worker
