// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/repair_verbs.hpp"
#include "pmend/repair/job.hpp"
#include "worker/places.hpp"
#include "worker/repair/blocking_link.hpp"

#include <optional>

namespace pmend::worker {

// The repairing worker: one connection, one job, then the end. It holds the locks of device and file system until its
// process ends, takes each step only after `proceed`, and none after the connection has ended.
class RepairSession {
 public:
  RepairSession(Setting setting, UniqueFd socket) : setting_(std::move(setting)), link_(std::move(socket)) {}

  // Serves until the connection ends. Returns the process' exit status.
  int run();

 private:
  bool greet();
  void serve(const protocol::Request& request);
  void run_job(const protocol::Request& request, repair::JobKind kind);
  // False if no further event of the job is to be asked for.
  bool handle_event(repair::Job& job, const protocol::Request& request, const repair::JobEvent& event);
  // Waits until pmend has made the intent durable, or does not want the step.
  void wait_for_proceed(repair::Job& job, const protocol::Request& request, const Step& step);
  void release(const protocol::Request& request);
  void inspect(const protocol::Request& request);

  void reply(RequestId id, Json body);
  void refuse(RequestId id, protocol::ErrorCode code, const std::string& what);
  std::string lock_directory() const { return setting_.options.runtime_dir + "/locks"; }

  Setting setting_;
  BlockingLink link_;
  bool connected_ = true;
};

}  // namespace pmend::worker
