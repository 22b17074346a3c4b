// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/observer.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/model/events.hpp"
#include "pmend/model/json_reader.hpp"
#include "worker/answers.hpp"
#include "worker/files.hpp"
#include "worker/observe/work_for.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace pmend::worker {
namespace {

using protocol::ErrorCode;
using protocol::EventKind;
using protocol::ReplyError;
using protocol::Request;
using protocol::Verb;

constexpr std::chrono::seconds kDescribeLimit{30};
constexpr std::chrono::seconds kRereadLimit{60};
// A list that does not fit into an event is cut and said to be incomplete; `list` gives the whole.
constexpr std::size_t kMostRangesInEvent = 1000;
// A change is rarely alone.
constexpr std::chrono::milliseconds kSettle{100};

}  // namespace

Observer::Observer(boost::asio::io_context& io, Setting setting, UniqueFd socket,
                   std::function<void(std::string)> on_end)
    : io_(io),
      setting_(std::move(setting)),
      on_end_(std::move(on_end)),
      link_(io, std::move(socket),
            {[this](protocol::Message m) { receive(std::move(m)); }, [this](std::string why) { on_end_(why); }}),
      in_child_([this](auto limit, const auto& work, auto then) { run_child(limit, work, std::move(then)); }),
      send_([this](const protocol::Message& message) { send(message); }),
      tell_([this](const MediaErrorList& list) { send_event(EventKind::kMediaErrors, to_json(list)); }),
      notice_([this](const std::string& source, const std::string& text) {
        send_event(EventKind::kNotice, to_json(protocol::Notice{source, text}));
      }),
      scrubs_(io, send_, in_child_),
      nvdimms_(
          {io, in_child_, tell_, notice_, [this] { scan_soon(); }, [this](const auto& node) { return id_of(node); }}),
      ars_scrubs_(io, nvdimms_, send_),
      rest_({io, in_child_, tell_, [this](const auto& node) { return nvdimms_.hints(node); }, notice_}),
      next_scan_(io),
      indexes_(io, setting_, in_child_, notice_) {}

std::optional<std::string> Observer::id_of(const std::string& node) const {
  for (const auto& [asked, watched] : devices_) {
    if (watched.list && watched.info.device == node) {
      return watched.info.device_id;
    }
  }
  return std::nullopt;
}

void Observer::receive(protocol::Message message) {
  if (const auto* hello = std::get_if<protocol::Hello>(&message)) {
    greeted_ = hello->version == protocol::kVersion && hello->role != protocol::Role::kRepair;
    if (greeted_) {
      const protocol::Hello own{protocol::kVersion, protocol::Role::kObserve, static_cast<std::uint32_t>(getpid())};
      send(own);
      return;
    }
  }
  if (!greeted_) {
    on_end_("the other side is not a pmend of this version");
    return;
  }
  if (const auto* request = std::get_if<Request>(&message)) {
    receive_request(*request);
  } else if (const auto* cancel = std::get_if<protocol::Cancel>(&message)) {
    scrubs_.cancel(cancel->id);
    ars_scrubs_.cancel(cancel->id);
  }
}

void Observer::receive_request(const Request& request) {
  if (request.cursor) {
    send(pages_.next(request.id, *request.cursor));
    return;
  }
  switch (request.verb) {
    case Verb::kWatch:
      return watch(request);
    case Verb::kObserve:
      return answer(request, work_for<protocol::ObserveRequest>(
                                 setting_, request,
                                 [judge = nvdimms_.phantom_judge()](const Setting& setting, const auto& wanted) {
                                   return observe(setting, wanted, judge);
                                 }));
    case Verb::kPlan:
      return queue_plan(request);
    case Verb::kLocate:
      return answer(request, work_for<protocol::LocateRequest>(setting_, request, locate));
    case Verb::kList:
      traces_ ? traces_->look_again() : void();
      return answer(request, work_for<protocol::DeviceRequest>(setting_, request, list));
    case Verb::kScrub:
      return ars_scrubs_.start(setting_, request) ? void() : scrubs_.start(setting_, request);
    case Verb::kCounters:
      return count(request.id);
    case Verb::kOpeners:
      return answer(request, work_for<protocol::OpenersRequest>(setting_, request, openers));
    case Verb::kFiles:
      return answer(request, work_for<protocol::FilesRequest>(setting_, request, files));
    case Verb::kRepair:
    case Verb::kResume:
    case Verb::kProceed:
    case Verb::kRelease:
    case Verb::kInspect:
      return reply(request.id, tl::make_unexpected(ReplyError{ErrorCode::kWrongRole, "this worker only observes"}));
  }
}

void Observer::count(RequestId id) {
  protocol::CountersReply counters{nvdimms_.counters()};
  for (const auto& [node, watched] : devices_) {
    if (watched.list) {
      counters.sources.push_back(watched.list->counters(kKernelList, node));
    }
  }
  if (monitor_) {
    counters.sources.push_back(monitor_->counters());
    traces_->add_counters(counters.sources);
  }
  send(pages_.first(id, "sources", to_json(counters)));
}

void Observer::queue_plan(const Request& request) {
  const auto device = request.body.is_object() ? request.body.find("device") : request.body.end();
  const auto* const text = device != request.body.end() ? device->get_ptr<const std::string*>() : nullptr;
  const std::string name = text != nullptr ? *text : "";  // a request without one is refused in its turn
  plans_[name].push_back({request, std::chrono::steady_clock::now()});
  if (plans_[name].size() == 1) {
    start_next_plan(name);
  }
}

void Observer::start_next_plan(const std::string& device) {
  Waiting& next = plans_.at(device).front();
  const auto waited = std::chrono::steady_clock::now() - next.received;
  const auto left = std::chrono::milliseconds(next.request.deadline_ms) -
                    std::chrono::duration_cast<std::chrono::milliseconds>(waited);
  next.request.deadline_ms = static_cast<std::uint64_t>(std::max(left, std::chrono::milliseconds(1)).count());
  answer(next.request, work_for<protocol::PlanRequest>(setting_, next.request, plan), [this, device] {
    auto& waiting = plans_.at(device);
    waiting.pop_front();
    waiting.empty() ? void(plans_.erase(device)) : start_next_plan(device);
  });
}

void Observer::answer(const Request& request, std::function<Answer()> work, std::function<void()> then) {
  const std::string key = paged_member(request.verb);
  run_child(std::chrono::milliseconds(request.deadline_ms), work,
            [this, id = request.id, key, then = std::move(then)](Answer answer) {
              answer ? send(pages_.first(id, key, std::move(*answer))) : reply(id, std::move(answer));
              indexes_.look();
              if (then) {
                then();
              }
            });
}

void Observer::reply(RequestId id, Answer answer) {
  protocol::Reply message{id, {}, {}, {}};
  if (answer) {
    message.body = std::move(*answer);
  } else {
    message.error = std::move(answer.error());
  }
  send(message);
}

void Observer::send(const protocol::Message& message) {
  const auto* event = std::get_if<protocol::Event>(&message);
  const std::string_view what = event != nullptr ? to_string(event->kind) : "an answer";
  boundary("observer: before ", what);
  [[maybe_unused]] const auto ended_links_are_told_by_the_link = link_.send(message);
  boundary("observer: after ", what);
}

void Observer::scan_soon() {
  if (!next_scan_.is_set()) {
    next_scan_.set(kSettle, [this] {
      scan_devices();
      nvdimms_.rescan();
    });
  }
}

void Observer::scan_devices() {
  std::set<std::string> nodes = configured_;
  if (all_devices_) {
    for (const std::string& node : listed_nodes(setting_.roots.sysfs)) {
      nodes.insert(node);
    }
  }
  for (const std::string& node : nodes) {
    add_device(node);
  }
  for (auto it = devices_.begin(); it != devices_.end();) {
    const std::string node = (it++)->first;
    if (!nodes.contains(node)) {
      drop_device(node);
    }
  }
}

void Observer::add_device(const std::string& node) {
  devices_.try_emplace(node);
  // Described again each time something changed: what is mounted where, and whether it still is the same device.
  run_child(
      kDescribeLimit,
      [setting = setting_, node]() -> Answer {
        const auto info = describe(setting, node);
        return info ? Answer(to_json(*info)) : tl::make_unexpected(reply_error(info.error()));
      },
      [this, node](const Answer& answer) { device_described(node, answer); });
}

void Observer::device_described(const std::string& node, const Answer& answer) {
  const auto found = devices_.find(node);
  if (found == devices_.end()) {
    return;
  }
  const auto info = answer ? from_json<protocol::DeviceInfo>(*answer)
                           : Result<protocol::DeviceInfo>(fail(Errc::kNotFound, answer.error().what));
  if (!info) {
    drop_device(node);
    return;
  }
  Watched& watched = found->second;
  const bool same = watched.list != nullptr && watched.info.device_id == info->device_id;
  if (same && watched.info == *info) {
    return;
  }
  watched.info = *info;
  send_event(EventKind::kDeviceFound, to_json(*info));
  if (same) {
    return;
  }
  nvdimms_.device_gone(info->device);
  traces_->device_gone(info->device);
  const auto device = block::find_device(setting_.roots, node);
  const auto place = device ? list_of(setting_, *device, info->device_id) : std::nullopt;
  if (!place) {
    return;
  }
  watched.list = std::make_unique<ListWatch>(
      io_, *place, info->size,
      [this, node, source = place->source](const Result<repair::BadList>& list) { list_read(node, source, list); });
  if (place->own) {
    reread(node);
  }
  nvdimms_.device_found(info->device);
  traces_->device_found(*device, info->device_id, place->own.has_value());
}

void Observer::reread(const std::string& node) {
  // Whatever comes of it is in the list, which is watched.
  run_child(
      kRereadLimit,
      [setting = setting_, node]() -> Answer {
        const auto listed = list(setting, protocol::DeviceRequest{node});
        return listed ? Json::object() : Answer(tl::make_unexpected(reply_error(listed.error())));
      },
      [](const Answer&) {});
}

void Observer::drop_device(const std::string& node) {
  const auto found = devices_.find(node);
  if (found == devices_.end()) {
    return;
  }
  const protocol::DeviceInfo info = found->second.info;
  devices_.erase(found);
  nvdimms_.device_gone(info.device);
  rest_.device_gone(info.device);
  traces_->device_gone(info.device);
  if (!info.device_id.empty()) {
    send_event(EventKind::kDeviceGone, to_json(protocol::DeviceGone{info.device, info.device_id}));
  }
}

void Observer::list_read(const std::string& node, const std::string& source, const Result<repair::BadList>& list) {
  const protocol::DeviceInfo& info = devices_.at(node).info;
  if (!list) {
    if (source == kOwnList) {
      // Nobody else could tell of such a device: it must not pass for one with an empty list.
      send_event(EventKind::kMediaErrors, to_json(MediaErrorList{info.device, info.device_id, source, {}, false}));
    }
    send_event(EventKind::kGap, to_json(protocol::Gap{source, list.error().message(), info.device}));
    return scan_soon();  // its namespace may have been disabled
  }
  if (source == kKernelList) {
    nvdimms_.kernel_list(info.device, *list);
    rest_.list_read(setting_, info, *list);
  }
  MediaErrorList errors{info.device, info.device_id, source, list->bad.ranges(), list->complete};
  if (errors.ranges.size() > kMostRangesInEvent) {
    errors.ranges.resize(kMostRangesInEvent);
    errors.complete = false;
  }
  send_event(EventKind::kMediaErrors, to_json(errors));
  traces_->look_again();
}

void Observer::run_child(std::chrono::milliseconds limit, const std::function<Answer()>& work,
                         std::function<void(Answer)> on_answer) {
  const std::uint64_t number = next_child_++;
  auto child = RequestChild::start(io_, limit, work, on_answer, [this, number] { children_.erase(number); });
  if (!child) {
    on_answer(tl::make_unexpected(ReplyError{ErrorCode::kInternal, child.error().message()}));
    return;
  }
  children_[number] = std::move(*child);
}

}  // namespace pmend::worker
