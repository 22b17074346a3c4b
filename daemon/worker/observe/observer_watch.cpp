// SPDX-License-Identifier: Apache-2.0
// How an observer begins to watch.
#include "pmend/kernel/denied_calls.hpp"
#include "pmend/model/events.hpp"
#include "pmend/model/json_reader.hpp"
#include "worker/files.hpp"
#include "worker/observe/nvdimm_news.hpp"
#include "worker/observe/observer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace pmend::worker {

using protocol::ErrorCode;
using protocol::EventKind;
using protocol::ReplyError;
using protocol::Request;

void Observer::watch(const Request& request) {
  const auto wanted = from_json<protocol::WatchRequest>(request.body);
  if (!wanted) {
    return reply(request.id, tl::make_unexpected(ReplyError{ErrorCode::kInvalid, wanted.error().message()}));
  }
  protocol::WatchReply answer{{kKernelList, kListFile, kOwnList}, {}, {}};
  all_devices_ = wanted->all_devices;
  take_config(answer.problems);
  take_configured(wanted->devices, answer.problems);
  monitor_ = std::make_unique<DeviceMonitor>(
      io_, DeviceMonitor::Handlers{[this](const std::string&) { scan_soon(); },
                                   [this](const std::string& why) {
                                     send_event(EventKind::kGap, to_json(protocol::Gap{"udev", why, {}}));
                                     scan_soon();
                                   }});
  monitor_->problem().empty() ? answer.sources.push_back("udev") : answer.problems.push_back(monitor_->problem());
  watch_mounts(answer);
  watch_traces(answer);
  add_nvdimm_sources(setting_.roots.sysfs, answer);
  reply(request.id, to_json(answer));
  for (const std::string& denied : kernel::denied_calls()) {
    notice_("worker", denied);
  }
  devices_.clear();
  scan_devices();
  nvdimms_.rescan();
  ars_scrubs_.schedule(setting_.config.ars_interval_hours, [this] { return children_.empty(); });
}

// pmend asks again when its configuration has changed, which is a file of ours too.
void Observer::take_config(std::vector<std::string>& problems) {
  auto config = load_config(setting_.options.config, IfMissing::kDefaults);
  if (config) {
    setting_.config = std::move(*config);
    return;
  }
  for (const ConfigProblem& problem : config.error()) {
    problems.push_back(problem.to_string());
  }
}

void Observer::take_configured(const std::vector<protocol::ListedDevice>& wanted, std::vector<std::string>& problems) {
  configured_.clear();
  for (const protocol::ListedDevice& device : wanted) {
    if (std::ranges::find(setting_.config.devices, device) == setting_.config.devices.end()) {
      problems.push_back(device.device + " is not in this worker's " + setting_.options.config);
      continue;
    }
    configured_.insert(device.device);
    if (const auto found = block::find_device(setting_.roots, device.device); !found) {
      problems.push_back(found.error().message() + " (it will be watched once it is a block device)");
    }
  }
}

void Observer::watch_mounts(protocol::WatchReply& reply) {
  auto fd = open_file(setting_.roots.proc + "/self/mountinfo", O_RDONLY);
  if (!fd) {
    reply.problems.push_back(fd.error().message());
    return;
  }
  mountinfo_ = std::move(*fd);
  // The kernel re-arms it by each poll, not by reading (proc_pid_mountinfo(5)).
  mounts_ = std::make_unique<loop::FdWatch>(io_, mountinfo_.get(), loop::FdWatch::For::kChange, [this] {
    send_event(EventKind::kMountsChanged, Json::object());
    indexes_.mounts_changed();
    traces_->mounts_changed();
    scan_devices();
  });
  reply.sources.push_back("mountinfo");
}

}  // namespace pmend::worker
