// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/rows.hpp"

#include <algorithm>

namespace pmend::ledger {
namespace {

std::string step_key(const Step& step) {
  return std::to_string(step.job.value) + " " + std::to_string(step.index);
}

}  // namespace

std::string key_of(const PutIncident& put) {
  return std::to_string(put.incident.id.value);
}
std::string key_of(const PutMediaErrors& put) {
  return put.list.device_id + " " + put.list.source;
}
std::string key_of(const PutPlan& put) {
  return std::to_string(put.incident.value) + " " + put.hash;
}
std::string key_of(const PutDecision& put) {
  return std::to_string(put.incident.value);
}
std::string key_of(const PutApproval& put) {
  return std::to_string(put.incident.value) + " " + put.approval.plan_hash;
}
std::string key_of(const BeginJob& begin) {
  return std::to_string(begin.job.value);
}
std::string key_of(const EndJob& end) {
  return std::to_string(end.job.value);
}
std::string key_of(const StepIntent& intent) {
  return step_key(intent.step);
}
std::string key_of(const StepOutcome& outcome) {
  return step_key(outcome.step);
}
std::string key_of(const PutReport& put) {
  return std::to_string(put.report.incident.id.value);
}
std::string key_of(const PutDevice& put) {
  return put.device_id;
}

void Rows::read_jobs(const std::string& where, const SqlValues& values, std::vector<LedgerJob>& out) {
  std::vector<BeginJob> begun;
  read("job", "SELECT id, json FROM jobs WHERE " + where + " ORDER BY id", values, begun);
  for (BeginJob& begin : begun) {
    LedgerJob& job = out.emplace_back();
    job.begin = std::move(begin);
    read_end_and_steps(job);
  }
}

void Rows::read_end_and_steps(LedgerJob& job) {
  const SqlValues id = {job.begin.job.value};
  std::vector<EndJob> ends;
  read("end of job", "SELECT id, end_json FROM jobs WHERE id = ? AND end_json IS NOT NULL", id, ends);
  for (EndJob& end : ends) {
    job.end = std::move(end);
  }
  std::vector<StepOutcome> outcomes;
  read("outcome of step",
       "SELECT job || ' ' || step, outcome_json FROM steps WHERE job = ? AND outcome_json IS NOT NULL", id, outcomes);
  for (StepOutcome& outcome : outcomes) {
    job.steps.push_back(std::move(outcome.step));
  }
  std::vector<StepIntent> intents;
  read("intent of step", "SELECT job || ' ' || step, intent_json FROM steps WHERE job = ? AND outcome_json IS NULL", id,
       intents);
  for (StepIntent& intent : intents) {
    job.steps.push_back(std::move(intent.step));
  }
  std::sort(job.steps.begin(), job.steps.end(), [](const Step& a, const Step& b) { return a.index < b.index; });
}

}  // namespace pmend::ledger
