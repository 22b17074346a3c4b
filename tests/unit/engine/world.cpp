// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/range_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace pmend::engine {
namespace {

constexpr const char* kNode = "/dev/loop7";
constexpr const char* kDeviceId = "loop:test";
constexpr const char* kUuid = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

FileSystemRef filesystem() {
  return {"xfs", kUuid, "", "/srv"};
}

}  // namespace

std::string kind_of(const Command& command) {
  return std::visit([](const auto& kind) { return std::string(kind.kName); }, command);
}

std::string lines_of(const Commands& commands) {
  std::string text;
  for (const Command& command : commands) {
    text += to_json_text(to_json(command)) + "\n";
  }
  return text;
}

std::string replay(const std::string& transcript) {
  Engine engine;
  std::string text;
  std::istringstream lines(transcript);
  for (std::string line; std::getline(lines, line);) {
    const auto json = parse_json_text(line, {.size_limit = line.size()});
    if (!json || !json->value.contains("input")) {
      EXPECT_TRUE(json.has_value()) << line;
      continue;
    }
    const auto input = from_json<Input>(json->value);
    EXPECT_TRUE(input.has_value()) << line << (input ? "" : input.error().what);
    if (input) {
      text += to_json_text(to_json(*input)) + "\n" + lines_of(engine.handle(*input));
    }
  }
  return text;
}

World::World()
    : engine_(std::make_unique<Engine>()),
      steady_(std::chrono::seconds(1000)),
      wall_(std::chrono::seconds(1'800'000'000)) {}

const Commands& World::give(const Input& input) {
  transcript_ += to_json_text(to_json(input)) + "\n";
  last_ = engine_->handle(input);
  transcript_ += lines_of(last_);
  if (watcher) {
    watcher(input, last_);
  }
  for (const Command& command : last_) {
    commands_.push_back(command);
    open_.push_back(command);
    if (const auto* publish = std::get_if<Publish>(&command)) {
      published_[publish->incident.id] = publish->incident;
    } else if (const auto* reply = std::get_if<ReplyOperator>(&command)) {
      answers_[reply->request] = reply->error;
    }
  }
  return last_;
}

void World::start(const LedgerState& state, const std::string& policy) {
  give(Tick{steady_, wall_, {}});
  give(Loaded{state});
  load_policy(policy);
  find_device();
  say_list();
}

void World::load_policy(const std::string& text) {
  give(PolicyLoaded{{{"50-test.json", text}}});
}

const Commands& World::pass(std::chrono::seconds time) {
  steady_ += time;
  wall_ += time;
  return give(Tick{steady_, wall_, {}});
}

void World::add_file(ByteRange range, std::uint64_t inode, const std::string& path) {
  extents_.push_back({range, OwnerKind::kFile, inode, path});
}

void World::spoil(ByteRange range, bool cached) {
  bad_.insert(range);
  if (cached) {
    cached_.insert(range);
  }
}

void World::mend(ByteRange range) {
  bad_.erase(range);
}

void World::say_list(bool complete) {
  give(MediaErrors{{}, {kNode, kDeviceId, "badblocks", bad_.ranges(), complete}});
}

protocol::DeviceInfo World::device() const {
  return {.device = kNode,
          .device_id = kDeviceId,
          .size = 1U << 30U,
          .logical_block_size = 512,
          .physical_block_size = 512,
          .repair_unit = kUnit,
          .filesystem = filesystem(),
          .pmem = pmem};
}

void World::find_device() {
  give(DeviceFound{device()});
}

void World::lose_device() {
  give(DeviceGone{{kNode, kDeviceId}});
}

bool World::answer_one() {
  for (std::size_t i = 0; i < open_.size(); ++i) {
    if (!held_.contains(kind_of(open_[i]))) {
      const Command command = open_[i];
      open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
      answer(command);
      return true;
    }
  }
  return false;
}

void World::answer_nth(std::size_t n, bool fail) {
  if (open_.empty()) {
    return;
  }
  auto chosen = open_.begin() + static_cast<std::ptrdiff_t>(n % open_.size());
  if (std::holds_alternative<Record>(*chosen)) {
    fail = false;
    chosen = std::find_if(open_.begin(), open_.end(),
                          [](const Command& command) { return std::holds_alternative<Record>(command); });
  }
  const Command command = *chosen;
  open_.erase(chosen);
  if (fail) {
    fail_at(command);
  } else {
    answer(command);
  }
}

void World::fail_at(const Command& command) {
  const protocol::ReplyError error{protocol::ErrorCode::kTimedOut, "as the test wants"};
  if (const auto* observe = std::get_if<Observe>(&command)) {
    give(ObserveFailed{observe->query, error});
  } else if (const auto* plan = std::get_if<AskPlan>(&command)) {
    give(ObserveFailed{plan->query, error});
  } else if (const auto* list = std::get_if<List>(&command)) {
    give(ObserveFailed{list->query, error});
  } else if (const auto* run = std::get_if<RunJob>(&command)) {
    give(WorkerGone{run->request.job, "could not be started"});
  } else if (std::holds_alternative<Inspect>(command)) {
    open_.push_back(command);  // whoever asks tries until there is an answer
  }
}

void World::settle() {
  constexpr int kMostAnswers = 100'000;
  for (int i = 0; i < kMostAnswers; ++i) {
    if (!answer_one()) {
      return;
    }
  }
  FAIL() << "the engine never comes to rest";
}

std::optional<OperatorError> World::ask(OperatorVerb verb, std::uint64_t incident, const std::string& hash) {
  OperatorRequest request{OperatorId{next_operator_++}, verb, {}, {}, "uid 1000 (anna)", {}};
  if (incident != 0) {
    request.incident = IncidentId{incident};
  }
  if (!hash.empty()) {
    request.plan_hash = hash;
  }
  return ask(std::move(request));
}

std::optional<OperatorError> World::resume_device(const std::string& node) {
  OperatorRequest request{OperatorId{next_operator_++}, OperatorVerb::kResumeDevice, {}, {}, "uid 1000 (anna)", node};
  return ask(std::move(request));
}

std::optional<OperatorError> World::ask(OperatorRequest request) {
  give(request);
  for (int i = 0; i < 1000 && !answers_.contains(request.request) && answer_one(); ++i) {
  }
  EXPECT_TRUE(answers_.contains(request.request)) << "no answer to a person";
  return answers_[request.request];
}

std::optional<OperatorError> World::approve(std::uint64_t incident) {
  const Case* what = find(incident);
  const std::string hash = what != nullptr && what->incident.plan ? what->incident.plan->hash : "none";
  return ask(OperatorVerb::kApprove, incident, hash);
}

const Case* World::find(std::uint64_t incident) const {
  const auto it = cases().find(IncidentId{incident});
  return it == cases().end() ? nullptr : &it->second;
}

std::optional<IncidentState> World::shown(std::uint64_t incident) const {
  const auto it = published_.find(IncidentId{incident});
  return it == published_.end() ? std::nullopt : std::optional(it->second.state);
}

void World::kill_worker(JobId job) {
  workers_.erase(job);
  give(WorkerGone{job, "killed"});
}

void World::forget_engine() {
  engine_ = std::make_unique<Engine>();
  open_.clear();
  published_.clear();
}

}  // namespace pmend::engine
