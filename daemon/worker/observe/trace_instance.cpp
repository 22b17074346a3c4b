// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/trace_instance.hpp"

#include "pmend/block/mounts.hpp"
#include "pmend/block/sysfs.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace pmend::worker {
namespace {

constexpr std::string_view kPrefix = "pmend-";
// Of each processor. Some hundred events: a burst that is larger is told as lost.
constexpr const char* kBufferKib = "32";

std::string instances_of(const std::string& tracing) {
  return tracing + "/instances";
}

// Locked for as long as the descriptor is open. Nothing if somebody else has it, or it is gone.
UniqueFd lock_instance(const std::string& directory) {
  auto fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!fd || flock(fd->get(), LOCK_EX | LOCK_NB) < 0) {
    return {};
  }
  return std::move(*fd);
}

// Its files take a setting by one write(2).
Status put(const std::string& file, const std::string& text) {
  const auto fd = open_file(file, O_WRONLY);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  if (write(fd->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail_errno("write " + file);
  }
  return {};
}

}  // namespace

std::optional<std::string> find_tracefs(const std::string& proc) {
  const auto table = block::read_mounts(proc + "/self/mountinfo");
  for (const block::Mount& mount : table ? table->mounts : std::vector<block::Mount>()) {
    if (mount.type == "tracefs" && mount.root == "/" && block::is_reachable(*table, mount)) {
      return mount.target;
    }
  }
  // Looking at this place mounts it where there is debugfs.
  const std::string below_debugfs = "/sys/kernel/debug/tracing";
  return access((below_debugfs + "/instances").c_str(), F_OK) == 0 ? std::optional(below_debugfs) : std::nullopt;
}

TraceInstance::~TraceInstance() {
  if (!lock_) {
    return;  // moved from, or never ours
  }
  bell_.reset();
  pipes_.clear();
  // A child that still has it open keeps it in being; whoever comes next takes it over.
  [[maybe_unused]] const int removed_or_left_to_the_next = rmdir(directory_.c_str());
}

Result<TraceInstance> TraceInstance::create(const std::string& tracing) {
  std::optional<TraceInstance> left_behind;
  for (const std::string& name : block::list_directory(instances_of(tracing))) {
    if (!name.starts_with(kPrefix)) {
      continue;
    }
    if (left_behind) {
      // One more: the kernel refuses where it is in use.
      [[maybe_unused]] const int refused_where_in_use = rmdir((instances_of(tracing) + "/" + name).c_str());
    } else if (auto opened = open(tracing, name)) {
      left_behind.emplace(std::move(*opened));
    }
  }
  return left_behind ? std::move(*left_behind) : open(tracing, std::string(kPrefix) + std::to_string(getpid()));
}

Result<TraceInstance> TraceInstance::open(const std::string& tracing, const std::string& name) {
  TraceInstance made;
  made.name_ = name;
  made.directory_ = instances_of(tracing) + "/" + name;
  if (mkdir(made.directory_.c_str(), 0700) < 0 && errno != EEXIST) {
    return fail_errno("make " + made.directory_);
  }
  made.lock_ = lock_instance(made.directory_);
  if (!made.lock_) {
    return fail_errno("lock " + made.directory_, EBUSY);
  }
  auto bell = open_file(made.directory_ + "/trace_pipe", O_RDONLY | O_NONBLOCK);
  if (!bell) {
    return tl::make_unexpected(bell.error());
  }
  made.bell_ = std::move(*bell);
  const Status sized = put(made.directory_ + "/buffer_size_kb", kBufferKib);
  const Status on = sized ? put(made.directory_ + "/tracing_on", "1") : sized;
  const Status opened = on ? made.open_pipes() : on;
  return opened ? Result<TraceInstance>(std::move(made)) : tl::make_unexpected(opened.error());
}

Status TraceInstance::open_pipes() {
  const std::string processors = directory_ + "/per_cpu";
  for (const std::string& processor : block::list_directory(processors)) {
    auto pipe = open_file(processors + "/" + processor + "/trace_pipe_raw", O_RDONLY | O_NONBLOCK);
    if (!pipe) {
      return tl::make_unexpected(pipe.error());
    }
    pipes_.push_back(std::move(*pipe));
  }
  return {};
}

Status TraceInstance::enable(const std::string& system, const std::string& event, const std::string& filter) {
  const std::string place = directory_ + "/events/" + system + "/" + event;
  if (access((place + "/enable").c_str(), F_OK) < 0) {
    return fail(Errc::kUnsupported, "this kernel has no event " + system + ":" + event);
  }
  if (!filter.empty()) {
    [[maybe_unused]] const Status only_spares_work = put(place + "/filter", filter);
  }
  return put(place + "/enable", "1");
}

}  // namespace pmend::worker
