// SPDX-License-Identifier: Apache-2.0
#include "kernel/repair/bench.hpp"

#include "loop/message_link.hpp"
#include "pmend/base/boundary.hpp"
#include "pmend/base/text.hpp"
#include "pmend/block/block_context.hpp"
#include "pmend/block/storage_users.hpp"
#include "pmend/kernel/block_device.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/kernel/zeroinit.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/repair/guard.hpp"
#include "pmend/rmap/owner_resolver.hpp"
#include "pmend/rmap/proc_files.hpp"
#include "support/must.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace pmend::world {
namespace {

constexpr const char* kUuid = "2e6b1a5c-0000-4000-8000-000000000001";

Result<std::optional<std::string>> kernel_user(dev_t device, ino_t inode) {
  for (const block::StorageUser& user : block::read_storage_users({})) {
    if (user.uses_file(device, inode)) {
      return std::optional(user.name);
    }
  }
  return std::optional<std::string>();
}

std::vector<OpenBy> openers(dev_t device, ino_t inode) {
  const auto found = rmap::find_openers("/proc", {{device, inode}});
  return found.empty() ? std::vector<OpenBy>() : found.begin()->second;
}

}  // namespace

WorldOptions plain_world(FsType type, std::uint64_t plain_files) {
  WorldOptions options;
  options.fs.type = type;
  options.plain_files = plain_files;
  return options;
}

RepairBench::RepairBench(const WorldOptions& options) : world_(options) {
  must_call(mkdir(spool_directory().c_str(), 0700), "mkdir the spool");
}

const repair::Place& RepairBench::place() {
  mount_ = must(open_file(world_.fs().mount_point(), O_RDONLY | O_DIRECTORY));
  device_ = must(open_file(world_.fs().node(), O_RDONLY | O_DIRECT));
  const auto geometry = must(kernel::block_device_geometry(device_.get()));
  place_.device = world_.fs().node();
  place_.device_id = "loop:test";
  place_.device_fd = device_.get();
  place_.device_bytes = geometry.size_bytes;
  place_.block_bytes = geometry.logical_block_bytes;
  place_.filesystem = {world_.fs().options().type == FsType::kXfs ? "xfs" : "ext4", kUuid, "",
                       world_.fs().mount_point()};
  place_.mount_fd = mount_.get();
  place_.forbidden =
      block::locate(must(block::read_block_context({}, place_.device)), {0, 4096}).at(0).volume.never_write;
  place_.list = [this] { return read_list(); };
  place_.knows_zeroinit = [this] { return kernel::knows_zeroinit(world_.directory()); };
  place_.kernel_user = kernel_user;
  place_.openers = openers;
  place_.sees_all_processes = [] { return rmap::sees_all_processes("/proc"); };
  place_.is_leased = [](dev_t, ino_t) { return false; };
  place_.is_own_worker = [](std::uint32_t) { return false; };
  place_.freeze.node = world_.fs().node();
  place_.freeze.limit = freeze_limit;
  place_.freeze.runtime_directory = world_.directory();
  place_.freeze.objection = []() -> Result<std::optional<std::string>> { return std::nullopt; };
  place_.freeze.connect_guard = [this] { return start_guard(); };
  place_.freeze.owners = [this](const ByteRange& range) { return owners(range); };
  return place_;
}

// As pmend-worker starts one, without the control group.
Result<UniqueFd> RepairBench::start_guard() const {
  auto [ours, theirs] = must(loop::message_socket_pair());
  const pid_t between = must_call(fork(), "fork");
  if (between == 0) {
    ours.reset();
    if (fork() == 0) {
      _exit(repair::run_guard(std::move(theirs), world_.directory()));
    }
    _exit(0);
  }
  must_call(waitpid(between, nullptr, 0), "waitpid");
  return std::move(ours);
}

std::vector<Owner> RepairBench::owners(const ByteRange& device_range) {
  struct stat status {};
  must_call(stat(world_.fs().mount_point().c_str(), &status), "stat");
  std::vector<Owner> owners;
  for (rmap::OwnedRange& range : must(rmap::make_owner_resolver()->resolve(
           {place_.filesystem, status.st_dev, place_.device}, {device_range}, {}))) {
    std::move(range.owners.begin(), range.owners.end(), std::back_inserter(owners));
  }
  return owners;
}

protocol::PlanRequest RepairBench::request_for(const std::vector<ByteRange>& device_ranges) {
  protocol::PlanRequest request;
  request.device = place_.device;
  request.device_id = place_.device_id;
  request.ranges = device_ranges;
  request.owners = owners(device_ranges.front());
  request.methods = methods;
  return request;
}

void RepairBench::close() {
  mount_.reset();
  device_.reset();
}

void RepairBench::tell_of_failed_writes() {
  const UniqueFd fs = must(open_file(world_.fs().mount_point(), O_RDONLY | O_DIRECTORY));
  (void)syncfs(fs.get());  // the failure is what is expected
}

Result<repair::BadList> RepairBench::read_list() {
  const kernel::BadblocksList list = world_.medium().badblocks();
  repair::BadList bad;
  bad.complete = list.complete && !list_cut_;
  for (const SectorRange& entry : list.entries) {
    bad.bad.insert(must(to_bytes(entry)));
  }
  return bad;
}

Owner RepairBench::owner_of(const FileModel& file, const ByteRange& device_range) {
  Owner owner;
  owner.kind = OwnerKind::kFile;
  const UniqueFd fd = must(open_file(world_.tree().path(file), O_PATH));
  const auto id = must(kernel::identify(fd.get()));
  owner.file = FileId{id.inode, id.generation};
  owner.device_range = device_range;
  return owner;
}

protocol::PlanRequest RepairBench::plan_request(const FileModel& file, const std::vector<ByteRange>& file_ranges) {
  protocol::PlanRequest request;
  request.device = place_.device;
  request.device_id = place_.device_id;
  for (const ByteRange& range : file_ranges) {
    request.ranges.push_back(world_.device_range(file, range));
  }
  request.owners = {owner_of(file, request.ranges.front())};
  for (const FileModel* other : world_.tree().files()) {
    const bool shares =
        std::any_of(other->extents.begin(), other->extents.end(), [&](const kernel::FileExtent& extent) {
          return extent.has_device_range() && extent.device_range().overlaps(request.ranges.front());
        });
    if (shares && other != &file) {
      request.owners.push_back(owner_of(*other, request.ranges.front()));
    }
  }
  for (Owner& owner : request.owners) {
    owner.shared = request.owners.size() > 1;
  }
  request.methods = methods;
  return request;
}

protocol::PlanReply RepairBench::plan(const FileModel& file, const std::vector<ByteRange>& file_ranges) {
  return repair::plan_repair(place(), plan_request(file, file_ranges));
}

protocol::RepairRequest RepairBench::repair_request(const FileModel& file, const std::vector<ByteRange>& file_ranges) {
  return repair_request(plan(file, file_ranges));
}

protocol::RepairRequest RepairBench::repair_request(const protocol::PlanReply& reply) {
  static std::uint64_t jobs = 0;
  if (!reply.plan) {
    throw Failure("no plan: " + reply.refusal->reason);
  }
  protocol::RepairRequest request;
  request.job = {++jobs};
  request.plan = *reply.plan;
  request.basis = {"test", sha256_hex("policy")};
  request.plan_hash = plan_hash(request.plan, request.basis);
  request.spool_key = "job-" + std::to_string(jobs);
  return request;
}

RepairBench::Told RepairBench::run(const protocol::RepairRequest& request, repair::JobKind kind,
                                   const std::function<void(const Step&)>& before_step) {
  repair::Job job(kind, request, place(), spool_directory());
  Told told;
  while (true) {
    repair::JobEvent event = job.next();
    if (auto* reply = std::get_if<protocol::RepairReply>(&event)) {
      told.reply = std::move(*reply);
      return told;
    }
    const Step& step = told.steps.emplace_back(std::get<Step>(event));
    if (!step.outcome) {
      if (before_step) {
        before_step(step);
      }
      job.proceed();
    }
  }
}

RepairBench::Worker RepairBench::start(const protocol::RepairRequest& request, repair::JobKind kind,
                                       const std::vector<std::pair<std::string, std::string>>& environment) {
  const std::string reply_file = world_.directory() + "/reply.json";
  std::filesystem::remove(reply_file);
  const pid_t pid = must_call(fork(), "fork");
  if (pid == 0) {
    for (const auto& [name, value] : environment) {
      setenv(name.c_str(), value.c_str(), 1);
    }
    begin_boundaries("repair");
    const Told told = run(request, kind);
    must(replace_file(reply_file, to_json_text(protocol::to_json(told.reply))));
    _exit(0);
  }
  return {pid, reply_file};
}

bool RepairBench::Worker::wait_for_stop() {
  int status = 0;
  must_call(waitpid(pid_, &status, WUNTRACED), "waitpid");
  ended_ = !WIFSTOPPED(status);
  return !ended_;
}

void RepairBench::Worker::resume() const {
  must_call(::kill(pid_, SIGCONT), "kill");
}

void RepairBench::Worker::kill() const {
  must_call(::kill(pid_, SIGKILL), "kill");
}

std::optional<protocol::RepairReply> RepairBench::Worker::wait_for_reply() {
  while (!ended_) {
    wait_for_stop();
  }
  const auto text = read_text_file(reply_file_);
  if (!text) {
    return std::nullopt;
  }
  return must(from_json<protocol::RepairReply>(parse_json_text(*text)->value));
}

void RepairBench::declare_lost(FileModel& file, const LossManifest& manifest) {
  for (const ManifestRange& lost : manifest.lost) {
    file.zeros.insert({lost.file_offset.value(), lost.device_range.length});
  }
}

}  // namespace pmend::world
