// SPDX-License-Identifier: Apache-2.0
#include "ctl/offline_locator.hpp"

#include "client/worker_client.hpp"

#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace pmend::ctl {
namespace {

// Nobody else waits behind this question, and a person can interrupt it.
constexpr std::chrono::hours kOfflineDeadline{24};

std::string default_worker() {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto beside = own.parent_path() / "pmend-worker";
  return !error && access(beside.c_str(), X_OK) == 0 ? beside.native() : PMEND_DEFAULT_WORKER;
}

}  // namespace

struct OfflineLocator::Session {
  boost::asio::io_context io{1};
  std::optional<std::string> gone;  // why
  std::unique_ptr<client::WorkerClient> worker;

  void end(const std::string& why) {
    if (!gone) {
      gone = why;
    }
  }
  // Until `holds()` or the worker is gone.
  template <class Holds>
  void run_until(const Holds& holds) {
    while (!gone && !holds()) {
      io.run_one();
    }
  }
};

OfflineLocator::OfflineLocator(std::unique_ptr<Session> session) : session_(std::move(session)) {}

OfflineLocator::~OfflineLocator() {
  if (!session_->gone) {
    session_->worker->finish();
    session_->run_until([] { return false; });
  }
}

Asked<std::unique_ptr<OfflineLocator>> OfflineLocator::start(const std::string& worker) {
  const client::WorkerPlace place = client::worker_place(worker.empty() ? default_worker() : worker);
  if (!place.program.empty() && geteuid() != 0) {
    return tl::make_unexpected(
        Problem{kExitNotAuthorized, "--offline: reads devices and file systems itself, which takes root"});
  }
  auto session = std::make_unique<Session>();
  const auto end = [&session = *session](const std::string& why) { session.end(why); };
  auto started = client::WorkerClient::start(
      session->io, place, protocol::Role::kObserve,
      {[](const protocol::Event&) {}, [end] { end("it was killed and does not end"); }, end});
  if (!started) {
    return tl::make_unexpected(Problem{cli::kExitUnavailable, started.error().message()});
  }
  session->worker = std::move(*started);
  return std::unique_ptr<OfflineLocator>(new OfflineLocator(std::move(session)));
}

Asked<nlohmann::json> OfflineLocator::ask(const protocol::LocateRequest& request) {
  std::optional<Asked<nlohmann::json>> answer;
  if (!session_->gone) {
    session_->worker->ask<protocol::LocateReply>(
        {protocol::Verb::kLocate, to_json(request), kOfflineDeadline},
        [&answer](const tl::expected<protocol::LocateReply, protocol::ReplyError>& reply) {
          answer = reply ? Asked<nlohmann::json>(to_json(*reply))
                         : tl::make_unexpected(Problem{status_of_error(reply.error().code), reply.error().what});
        });
  }
  session_->run_until([&answer] { return answer.has_value(); });
  if (!answer) {
    return tl::make_unexpected(Problem{cli::kExitUnavailable, "the worker has gone: " + *session_->gone});
  }
  return std::move(*answer);
}

Asked<nlohmann::json> OfflineLocator::range(const DeviceRange& range) {
  return ask({.where = protocol::DeviceRange{range.device, range.range}});
}

Asked<nlohmann::json> OfflineLocator::ranges(const std::string& device, const std::vector<ByteRange>& ranges) {
  return ask({.among = protocol::DeviceRanges{device, ranges}});
}

Asked<nlohmann::json> OfflineLocator::path(const std::string& absolute_path) {
  return ask({.path = FilePath{absolute_path}});
}

int status_of_error(protocol::ErrorCode code) {
  return code == protocol::ErrorCode::kNotFound || code == protocol::ErrorCode::kGone ? kExitNotFound : kExitFailed;
}

}  // namespace pmend::ctl
