// SPDX-License-Identifier: Apache-2.0
#include "pmend/observer_client.hpp"

#include "pmend/model/events.hpp"
#include "pmend/model/json_reader.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace pmend::daemon {
namespace {

using protocol::ReplyError;
using protocol::Verb;
using std::chrono::seconds;

// A worker that watched for so long was healthy.
constexpr seconds kHealthy{60};

constexpr seconds kWatchDeadline{60};
constexpr seconds kListDeadline{30};
// Reading what may be bad, and walking a file system for names, takes its time.
constexpr seconds kObserveDeadline{120};
constexpr seconds kPlanDeadline{120};
constexpr seconds kLocateDeadline{60};
constexpr seconds kOpenersDeadline{20};
constexpr seconds kFilesDeadline{100};  // of one part; callers wait for 120 s
// A large disk is read for days, since others come first.
constexpr std::chrono::hours kScrubDeadline{7 * 24};

}  // namespace

ObserverClient::ObserverClient(Parts parts, protocol::WatchRequest watch)
    : parts_(std::move(parts)), watch_(std::move(watch)), again_(parts_.io) {}

void ObserverClient::start() {
  again_.set(seconds(0), [this] { start_worker(); });
}

void ObserverClient::start_worker() {
  auto worker = client::WorkerClient::start(parts_.io, parts_.place, protocol::Role::kObserve,
                                            {[this](const protocol::Event& event) { take(event); },
                                             [this] { give_up(); }, [this](const std::string& why) { lost(why); },
                                             [this](const protocol::Progress& progress) { take_progress(progress); }});
  if (!worker) {
    lost(worker.error().message());
    return;
  }
  worker_ = std::move(*worker);
  begin_watch();
}

void ObserverClient::watch(protocol::WatchRequest watch) {
  if (watch_ == watch) {
    return;
  }
  watch_ = std::move(watch);
  if (worker_) {
    begin_watch();
  }
}

void ObserverClient::begin_watch() {
  worker_->ask<protocol::WatchReply>({Verb::kWatch, to_json(watch_), kWatchDeadline}, [this](const auto& reply) {
    if (reply) {
      watching(*reply);
    } else {
      worker_->kill("it cannot watch: " + reply.error().what);
    }
  });
}

void ObserverClient::watching(const protocol::WatchReply& reply) {
  if (!std::exchange(observing_, true)) {
    observing_since_ = clock_.steady();
    std::string sources;
    for (const std::string& source : reply.sources) {
      sources += (sources.empty() ? "" : ", ") + source;
    }
    parts_.log.write(log::make_record(log::Level::kInfo, "The observing worker watches; sources: {SOURCES}",
                                      {{"SOURCES", sources.empty() ? "none" : sources}}));
    parts_.on_change();
  }
  for (const std::string& absent : reply.absent) {
    if (told_absent_.insert(absent).second) {
      parts_.log.write(log::make_record(log::Level::kInfo, "Not on this machine: {SOURCE}", {{"SOURCE", absent}}));
    }
  }
  for (const std::string& problem : reply.problems) {
    parts_.log.write(log::make_record(log::Level::kWarning, "Not watched: {PROBLEM}", {{"PROBLEM", problem}}));
    add_notice("not watched: " + problem);
  }
}

template <class Body, class Make>
void ObserverClient::put_event(const protocol::Event& event, const Make& make) {
  auto body = from_json<Body>(event.body);
  if (body) {
    parts_.put(make(std::move(*body)));
  } else {
    worker_->kill("its event " + std::string(to_string(event.kind)) + " is none: " + body.error().message());
  }
}

void ObserverClient::take(const protocol::Event& event) {
  switch (event.kind) {
    case protocol::EventKind::kDeviceFound:
      return put_event<protocol::DeviceInfo>(event, [](auto body) { return engine::DeviceFound{std::move(body)}; });
    case protocol::EventKind::kDeviceGone:
      return put_event<protocol::DeviceGone>(event, [](auto body) { return engine::DeviceGone{std::move(body)}; });
    case protocol::EventKind::kMediaErrors:
      return put_event<MediaErrorList>(event, [](auto body) { return engine::MediaErrors{{}, std::move(body)}; });
    case protocol::EventKind::kMountsChanged:
      return put_event<protocol::Empty>(event, [](auto) { return engine::MountsChanged{}; });
    case protocol::EventKind::kGap:
      return put_event<protocol::Gap>(event, [](auto body) { return engine::Gap{std::move(body)}; });
    case protocol::EventKind::kNotice:
      return take_notice(event);
    case protocol::EventKind::kStep:
      worker_->kill("it told of a step, which only a repairing worker takes");
      return;
  }
}

void ObserverClient::take_notice(const protocol::Event& event) {
  const auto notice = from_json<protocol::Notice>(event.body);
  if (!notice) {
    worker_->kill("its notice is none: " + notice.error().message());
    return;
  }
  parts_.log.write(
      log::make_record(log::Level::kInfo, "{SOURCE}: {TEXT}", {{"SOURCE", notice->source}, {"TEXT", notice->text}}));
  add_notice(notice->source + ": " + notice->text);
}

void ObserverClient::add_notice(std::string text) {
  text.resize(std::min(text.size(), kMostNoticeBytes));
  if (notices_.size() < kMostNotices && std::ranges::find(notices_, text) == notices_.end()) {
    notices_.push_back(std::move(text));
    parts_.on_change();
  }
}

void ObserverClient::fail_query(engine::QueryId query, const ReplyError& error) {
  parts_.put(engine::ObserveFailed{query, error});
}

void ObserverClient::observe(const engine::Observe& command) {
  if (!worker_) {
    return;
  }
  worker_->ask<protocol::Observation>(
      {Verb::kObserve, to_json(command.request), kObserveDeadline}, [this, query = command.query](auto reply) {
        reply ? parts_.put(engine::Observed{query, std::move(*reply)}) : fail_query(query, reply.error());
      });
}

void ObserverClient::plan(const engine::AskPlan& command) {
  if (!worker_) {
    return;
  }
  worker_->ask<protocol::PlanReply>({Verb::kPlan, to_json(command.request), kPlanDeadline},
                                    [this, query = command.query](auto reply) {
                                      if (!reply) {
                                        fail_query(query, reply.error());
                                      } else if (reply->plan) {
                                        parts_.put(engine::Planned{query, std::move(*reply->plan)});
                                      } else {
                                        parts_.put(engine::PlanRefused{query, std::move(*reply->refusal)});
                                      }
                                    });
}

void ObserverClient::list(const engine::List& command) {
  if (!worker_) {
    return;
  }
  worker_->ask<MediaErrorList>(
      {Verb::kList, to_json(protocol::DeviceRequest{command.device}), kListDeadline},
      [this, query = command.query](auto reply) {
        reply ? parts_.put(engine::MediaErrors{query, std::move(*reply)}) : fail_query(query, reply.error());
      });
}

void ObserverClient::locate(const protocol::LocateRequest& request, On<protocol::LocateReply> on_located) {
  if (worker_) {
    worker_->ask<protocol::LocateReply>({Verb::kLocate, to_json(request), kLocateDeadline}, std::move(on_located));
  }
}

void ObserverClient::openers(const protocol::OpenersRequest& request, On<protocol::OpenersReply> on_openers) {
  if (worker_) {
    worker_->ask<protocol::OpenersReply>({Verb::kOpeners, to_json(request), kOpenersDeadline}, std::move(on_openers));
  }
}

void ObserverClient::files(const protocol::FilesRequest& request, On<protocol::FilesReply> on_files) {
  if (worker_) {
    worker_->ask<protocol::FilesReply>({Verb::kFiles, to_json(request), kFilesDeadline}, std::move(on_files));
  }
}

RequestId ObserverClient::scrub(const std::string& device, OnScrub on_scrub) {
  // The number of the request is not known before it is asked.
  const auto number = std::make_shared<RequestId>();
  *number = worker_->ask<protocol::ScrubReply>({Verb::kScrub, to_json(protocol::DeviceRequest{device}), kScrubDeadline},
                                               [this, number, end = std::move(on_scrub.end)](auto reply) {
                                                 scrubs_.erase(*number);
                                                 end(std::move(reply));
                                               });
  scrubs_[*number] = std::move(on_scrub.progress);
  return *number;
}

void ObserverClient::cancel_scrub(RequestId scrub) {
  if (worker_) {
    worker_->cancel(scrub);
  }
}

void ObserverClient::take_progress(const protocol::Progress& progress) {
  if (const auto found = scrubs_.find(progress.id); found != scrubs_.end()) {
    found->second(progress);
  }
}

void ObserverClient::stop(std::function<void()> on_stopped) {
  on_stopped_ = std::move(on_stopped);
  if (worker_) {
    worker_->finish();
  } else {
    again_.set(seconds(0), on_stopped_);
  }
}

// It writes nothing, so a new one may be started while it hangs.
void ObserverClient::give_up() {
  lost("it was killed and does not end; it is left behind");
}

void ObserverClient::lost(const std::string& why) {
  worker_.reset();
  scrubs_.clear();
  notices_.clear();
  if (on_stopped_) {
    again_.set(seconds(0), on_stopped_);
    return;
  }
  parts_.put(engine::WorkerGone{std::nullopt, why});
  if (std::exchange(observing_, false) && clock_.steady() - observing_since_ >= kHealthy) {
    back_off_.reset();
  }
  const auto wait = back_off_.next();
  parts_.log.write(log::make_record(log::Level::kWarning,
                                    "The observing worker is gone ({WHY}); starting it again in {SECONDS} s",
                                    {{"WHY", why}, {"SECONDS", std::to_string(wait.count())}}));
  again_.set(wait, [this] { start_worker(); });
}

}  // namespace pmend::daemon
