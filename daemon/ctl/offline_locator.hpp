// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/locator.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/protocol.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <vector>

namespace pmend::ctl {

// Asks a worker that it starts itself, or connects to, and that ends with it: needs neither pmend nor a bus. The worker
// only looks.
class OfflineLocator final : public Locator {
 public:
  // `worker` as the option --worker of pmend(8); empty: the one beside this program, else the installed one. Problems:
  // kExitNotAuthorized unless root, which a worker has to be; kExitUnavailable if there is no worker that can be had.
  static Asked<std::unique_ptr<OfflineLocator>> start(const std::string& worker);
  OfflineLocator(const OfflineLocator&) = delete;
  OfflineLocator& operator=(const OfflineLocator&) = delete;
  ~OfflineLocator() override;

  Asked<nlohmann::json> range(const DeviceRange& range) override;
  Asked<nlohmann::json> ranges(const std::string& device, const std::vector<ByteRange>& ranges) override;
  Asked<nlohmann::json> path(const std::string& absolute_path) override;

 private:
  struct Session;
  explicit OfflineLocator(std::unique_ptr<Session> session);
  Asked<nlohmann::json> ask(const protocol::LocateRequest& request);

  std::unique_ptr<Session> session_;
};

// The status that stands for an error of a worker: the same that pmend's answer would give.
int status_of_error(protocol::ErrorCode code);

}  // namespace pmend::ctl
