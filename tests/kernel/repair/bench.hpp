// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/job.hpp"
#include "pmend/repair/planner.hpp"
#include "support/world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pmend::world {

// A world and all that a repair on it needs, as the worker program would put it together.
class RepairBench {
 public:
  explicit RepairBench(const WorldOptions& options);

  World& world() { return world_; }
  FileModel& file(const std::string& name) { return world_.tree().file(name); }
  // Valid until the file system is mounted anew.
  const repair::Place& place();
  // Lets go of the file system, so that it can be unmounted. place() opens it again.
  void close();
  std::string spool_directory() const { return world_.directory() + "/spool"; }

  // From now on the list of bad sectors says of itself that it is cut short.
  void cut_list() { list_cut_ = true; }
  // The next sync of the file system reports a write-back that failed, once: let it.
  void tell_of_failed_writes();

  // The methods that plans may use; by default those that write in the file.
  void allow(std::vector<Method> allowed) { methods = std::move(allowed); }

  // What the observer would ask for bad bytes of a file, with every file of the tree that has them.
  protocol::PlanRequest plan_request(const FileModel& file, const std::vector<ByteRange>& file_ranges);
  protocol::PlanReply plan(const FileModel& file, const std::vector<ByteRange>& file_ranges);
  // Throws Failure if there is none.
  protocol::RepairRequest repair_request(const FileModel& file, const std::vector<ByteRange>& file_ranges);
  protocol::RepairRequest repair_request(const protocol::PlanReply& reply);

  // The same for any bytes of the device, with all owners; call place() before.
  protocol::PlanRequest request_for(const std::vector<ByteRange>& device_ranges);
  std::vector<Owner> owners(const ByteRange& device_range);
  std::chrono::milliseconds freeze_limit = repair::FreezePlace().limit;
  // That a request allows.
  std::vector<Method> methods{Method::kRedirty, Method::kRewrite};

  struct Told {
    std::vector<Step> steps;  // intents and outcomes as they were told
    protocol::RepairReply reply;
  };
  // Runs a job to its end; `before_step` is called when an intent was told.
  Told run(const protocol::RepairRequest& request, repair::JobKind kind = repair::JobKind::kRepair,
           const std::function<void(const Step&)>& before_step = {});
  // The same in a process of its own, with the role "repair" (base/boundary.hpp).
  class Worker {
   public:
    Worker(pid_t pid, std::string reply_file) : pid_(pid), reply_file_(std::move(reply_file)) {}
    // Waits until it stops itself or ends; false if it ended.
    bool wait_for_stop();
    void resume() const;
    void kill() const;
    // Waits for its end; nothing if it was killed before it had a reply.
    std::optional<protocol::RepairReply> wait_for_reply();

   private:
    pid_t pid_;
    bool ended_ = false;
    std::string reply_file_;
  };
  Worker start(const protocol::RepairRequest& request, repair::JobKind kind,
               const std::vector<std::pair<std::string, std::string>>& environment = {});

  // Makes the model expect what a loss manifest declares.
  void declare_lost(FileModel& file, const LossManifest& manifest);

 private:
  Result<repair::BadList> read_list();
  Owner owner_of(const FileModel& file, const ByteRange& device_range);
  Result<UniqueFd> start_guard() const;

  World world_;
  bool list_cut_ = false;
  UniqueFd mount_;
  UniqueFd device_;
  repair::Place place_;
};

// A world of the given kind; `write` is a word of the medium's mode.
WorldOptions plain_world(FsType type, std::uint64_t plain_files = 4);

}  // namespace pmend::world
