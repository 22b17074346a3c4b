// SPDX-License-Identifier: Apache-2.0
#include "ledger_dir.hpp"

#include "../model/samples.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <stdlib.h>

#include <stdexcept>
#include <utility>

namespace pmend {
namespace {

constexpr WallTime kNoon{std::chrono::seconds(1'795'348'800)};

// All that ever was, so that states can be compared.
const LoadOptions kEverything = {.finished_limit = 1'000'000, .jobs_since = WallTime{}};

LedgerState comparable(LedgerState state) {
  state.clean_shutdown = true;
  state.previous_boot_id.clear();
  return state;
}

}  // namespace

LedgerDir::LedgerDir() {
  std::string pattern = std::filesystem::temp_directory_path() / "pmend-ledger-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("mkdtemp " + pattern);
  }
  path_ = pattern;
}

LedgerDir::~LedgerDir() {
  std::error_code ignored;  // a directory that stays behind is no reason to fail a test
  std::filesystem::remove_all(path_, ignored);
}

Result<Ledger> LedgerDir::open() const {
  return Ledger::open({.state_dir = path_, .boot_id = "boot-1"});
}

std::string LedgerDir::error_of_open() const {
  const auto opened = open();
  return opened ? "opened" : opened.error().message();
}

void LedgerDir::tamper(const std::string& sql) const {
  SQLite::Database(file(), SQLite::OPEN_READWRITE).exec(sql);
}

ledger::PutIncident an_incident(std::uint64_t id, IncidentState state) {
  ledger::PutIncident put{.incident = samples::incident(), .memory = {}};
  put.incident.id.value = id;
  put.incident.state = state;
  put.memory = {
      .bad = {put.incident.device_range}, .attempts = 1, .indeterminate = 0, .repairs = 0, .not_before = kNoon};
  return put;
}

ledger::PutPlan a_plan(std::uint64_t incident, const std::string& rule) {
  ledger::PutPlan put{.incident = {incident}, .hash = "", .basis = samples::basis(), .plan = samples::plan()};
  put.basis.rule = rule;
  put.hash = plan_hash(put.plan, put.basis);
  return put;
}

ledger::PutApproval an_approval(const ledger::PutPlan& plan) {
  return {.incident = plan.incident, .approval = {.plan_hash = plan.hash, .who = "uid 0 (root)", .when = kNoon}};
}

ledger::BeginJob a_job(std::uint64_t job, const ledger::PutPlan& plan) {
  return {.job = {job},
          .incident = plan.incident,
          .plan_hash = plan.hash,
          .attempt = 1,
          .bytes_lost = 512,
          .spool_key = "job-" + std::to_string(job),
          .when = kNoon};
}

Step an_intent(std::uint64_t job, std::uint64_t index) {
  Step step = samples::step();
  step.job.value = job;
  step.index = index;
  step.outcome.reset();
  step.reason.clear();
  return step;
}

Step ended(Step step, Outcome outcome) {
  step.outcome = outcome;
  step.reason = "as it went";
  return step;
}

ledger::EndJob an_end(std::uint64_t job, Outcome outcome) {
  return {.job = {job}, .outcome = outcome, .reason = "as it went", .when = kNoon};
}

ledger::Audit a_line(std::uint64_t incident, const std::string& text) {
  return {.when = kNoon, .what = "state", .who = "pmend", .incident = IncidentId{incident}, .job = {}, .text = text};
}

Status put(Ledger& ledger, std::vector<LedgerChange> changes) {
  const LedgerRecord record{.seq = load(ledger).last_seq + 1, .changes = std::move(changes)};
  return ledger.apply({&record, 1});
}

LedgerState load(Ledger& ledger, const LoadOptions& options) {
  auto state = ledger.load(options);
  if (!state) {
    throw std::runtime_error(state.error().message());
  }
  return std::move(*state);
}

namespace {

// Record `number` of a story: the life of an incident in eight records.
std::vector<LedgerChange> chapter(std::uint64_t number) {
  const std::uint64_t life = (number - 1) / 8 + 1;
  const ledger::PutPlan plan = a_plan(life);
  const ledger::Audit line = a_line(life, "record " + std::to_string(number));
  switch ((number - 1) % 8) {
    case 0:
      return {an_incident(life, IncidentState::kDetected), ledger::PutMediaErrors{samples::media_errors()}, line};
    case 1:
      return {a_plan(life, "an older one"), line};
    case 2:
      return {plan, ledger::PutDecision{{life}, plan.hash, kNoon, {Action::kHold, "rest", {"why"}}},
              an_incident(life, IncidentState::kHeld), line};
    case 3:
      return {an_approval(plan), an_incident(life, IncidentState::kQueued), ledger::SetPaused{life % 2 == 0}, line};
    case 4:
      return {a_job(life, plan), an_incident(life, IncidentState::kRepairing), line};
    case 5:
      return {ledger::StepIntent{an_intent(life)}, line};
    case 6:
      return {ledger::StepOutcome{ended(an_intent(life))}, ledger::PutDevice{"ns:1", "/dev/pmem0", kNoon, kNoon}, line};
    default:
      ledger::PutReport report{.job = JobId{life}, .report = samples::report()};
      report.report.incident.id.value = life;
      return {an_end(life), std::move(report), ledger::DropApproval{{life}},
              an_incident(life, IncidentState::kRepaired), line};
  }
}

}  // namespace

std::vector<LedgerRecord> a_story(std::uint64_t count) {
  std::vector<LedgerRecord> story;
  for (std::uint64_t number = 1; number <= count; ++number) {
    story.push_back({.seq = number, .changes = chapter(number)});
  }
  return story;
}

std::vector<LedgerState> states_of(const std::vector<LedgerRecord>& story) {
  const LedgerDir dir;
  auto ledger = dir.open();
  std::vector<LedgerState> states;
  states.push_back(comparable(load(*ledger, kEverything)));
  for (const LedgerRecord& record : story) {
    if (Status applied = ledger->apply({&record, 1}); !applied) {
      throw std::runtime_error(applied.error().message());
    }
    states.push_back(comparable(load(*ledger, kEverything)));
  }
  return states;
}

Result<LedgerState> state_in(const LedgerDir& dir) {
  auto ledger = dir.open();
  if (!ledger) {
    return tl::make_unexpected(ledger.error());
  }
  auto state = ledger->load(kEverything);
  return state ? Result<LedgerState>(comparable(std::move(*state))) : state;
}

}  // namespace pmend
