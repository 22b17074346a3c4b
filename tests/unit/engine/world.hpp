// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/engine/engine.hpp"
#include "pmend/ledger/reader.hpp"
#include "pmend/ledger/record.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

// A world around an engine, in memory: a device with bad sectors and files, an observer and repairing workers that
// answer as the real ones do, and a ledger that always works unless told otherwise. Nothing answers by itself: tests
// say which command is answered, or settle() answers all.
namespace pmend::engine {

inline constexpr const char* kDefaultPolicy = R"({ "rules": [
  { "name": "nothing-lost", "when": { "owner": "file", "bytes_lost": { "max": 0 } }, "then": { "action": "repair" } },
  { "name": "watch-logs", "when": { "path": "/srv/log/**" }, "then": { "action": "observe" } } ] })";

// Where most tests have their one file.
inline constexpr ByteRange kFile{1U << 20U, 1U << 22U};

// What lies on a range of the device.
struct Extent {
  ByteRange range;
  OwnerKind kind = OwnerKind::kFile;
  std::uint64_t inode = 0;
  std::string path;
};

class World {
 public:
  static constexpr std::uint64_t kUnit = 4096;

  World();

  // Gives the engine an input, keeps what it wants and returns that.
  const Commands& give(const Input& input);
  // The inputs that every start has: tick, ledger, policy, device, its list.
  void start(const LedgerState& state = {}, const std::string& policy = kDefaultPolicy);
  void load_policy(const std::string& text);
  // Time passes and the engine is told.
  const Commands& pass(std::chrono::seconds time);

  // The device. A sector that is bad shows in the list when say_list() is called.
  void add_file(ByteRange range, std::uint64_t inode, const std::string& path);
  void add_extent(Extent extent) { extents_.push_back(std::move(extent)); }
  void spoil(ByteRange range, bool cached = false);
  void mend(ByteRange range);
  void say_list(bool complete = true);
  protocol::DeviceInfo device() const;
  void find_device();
  void lose_device();

  // Answers the oldest unanswered command that world knows how to answer. Returns false if there is none.
  bool answer_one();
  // Answers until nothing is left to answer. Ends a test that would go on for ever.
  void settle();
  // Answers the n-th of the unanswered commands (counted round), or fails at it; the ledger keeps its order.
  void answer_nth(std::size_t n, bool fail);
  // Commands of this kind are left unanswered from here on, or answered again.
  void hold(const std::string& command) { held_.insert(command); }
  void let(const std::string& command) { held_.erase(command); }

  // People. Returns the error of the answer, nothing if it was done.
  std::optional<OperatorError> ask(OperatorVerb verb, std::uint64_t incident = 0, const std::string& hash = "");
  std::optional<OperatorError> approve(std::uint64_t incident);
  std::optional<OperatorError> resume_device(const std::string& node = "/dev/loop7");

  bool find_names = true;               // false: the observer has no time for them
  std::optional<bool> phantom = false;  // what the observer says of what is bad
  RangeSet phantoms;                    // but for these, which are phantoms
  std::optional<protocol::PmemInfo> pmem;

  // How the next worker behaves.
  std::optional<Outcome> next_outcome;            // instead of success
  std::optional<protocol::ErrorCode> next_error;  // it refuses at once
  bool take_steps = true;                         // false: it does nothing by itself

  // What came of it.
  const std::map<IncidentId, Case>& cases() const { return engine_->cases(); }
  const Case* find(std::uint64_t incident) const;
  // The state as it was last published, also of closed ones.
  std::optional<IncidentState> shown(std::uint64_t incident) const;
  // What an honest worker says of a step.
  Step step_of(const protocol::RepairRequest& request, std::uint64_t index) const;
  const Incident& incident(std::uint64_t id) const { return published_.at(IncidentId{id}); }
  // All commands of one kind since the beginning.
  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const Command& command : commands_) {
      if (const auto* kind = std::get_if<T>(&command)) {
        found.push_back(*kind);
      }
    }
    return found;
  }
  const std::vector<LedgerRecord>& records() const { return records_; }
  EngineStatus status() const { return engine_->status(); }
  bool may_exit() const { return engine_->may_exit(); }
  // Inputs and commands so far, as lines of JSON.
  const std::string& transcript() const { return transcript_; }
  // Called with each input and what the engine said to it.
  std::function<void(const Input&, const Commands&)> watcher;
  const std::map<JobId, protocol::RepairRequest>& workers() const { return workers_; }

  // This worker dies, whatever it was doing.
  void kill_worker(JobId job);
  // What is unanswered stays so: those who had to answer are gone.
  void forget_open() { open_.clear(); }
  // pmend is killed: what it had asked for is not answered any more.
  void forget_engine();

 private:
  std::optional<OperatorError> ask(OperatorRequest request);
  bool answer(const Command& command);
  bool answer(const Observe& command);
  bool answer(const AskPlan& command);
  bool answer(const List& command);
  bool answer(const Record& command);
  bool answer(const RunJob& command);
  bool answer(const Proceed& command);
  bool answer(const Release& command);
  bool answer(const CancelJob& command);
  bool answer(const Inspect& command);
  bool answer(const auto& /*command*/) { return true; }
  void fail_at(const Command& command);

  protocol::ObservedRange observe(const ByteRange& range) const;
  Owner owner_of(const ByteRange& range) const;
  Plan plan_for(const protocol::PlanRequest& request) const;
  protocol::RepairReply reply_to(const protocol::RepairRequest& request, Outcome outcome) const;

  std::unique_ptr<Engine> engine_;
  SteadyTime steady_;
  WallTime wall_;
  std::vector<Extent> extents_;
  RangeSet bad_;
  RangeSet cached_;
  std::map<JobId, protocol::RepairRequest> workers_;
  std::set<std::string> held_;
  std::deque<Command> open_;
  Commands last_;
  std::vector<Command> commands_;
  std::vector<LedgerRecord> records_;
  std::map<IncidentId, Incident> published_;
  std::map<OperatorId, std::optional<OperatorError>> answers_;
  std::uint64_t next_operator_ = 1;
  std::string transcript_;
};

std::string kind_of(const Command& command);
std::string lines_of(const Commands& commands);
// A fresh engine's answers to the inputs of a transcript, as a transcript.
std::string replay(const std::string& transcript);

}  // namespace pmend::engine
