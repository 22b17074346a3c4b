// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/reader.hpp"

#include "../model/samples.hpp"
#include "ledger_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::uint64_t> ids(const std::vector<Incident>& incidents) {
  std::vector<std::uint64_t> out;
  for (const Incident& incident : incidents) {
    out.push_back(incident.id.value);
  }
  return out;
}

class LedgerQueries : public testing::Test {
 protected:
  void write(std::vector<LedgerChange> changes) {
    const Status done = put(ledger_, std::move(changes));
    ASSERT_TRUE(done.has_value()) << done.error().message();
  }

  LedgerDir dir_;
  Ledger ledger_ = std::move(*dir_.open());
  LedgerReader reader_ = std::move(*ledger_.open_reader());
};

TEST_F(LedgerQueries, ListByStateAndDevice) {
  auto elsewhere = an_incident(4, IncidentState::kQueued);
  elsewhere.incident.device_id = "ns:another";
  write({an_incident(1, IncidentState::kHeld), an_incident(2, IncidentState::kRepaired),
         an_incident(3, IncidentState::kQueued), elsewhere});
  const auto list = [&](IncidentFilter filter) { return ids(reader_.list(filter, {}, 10).value().incidents); };
  EXPECT_THAT(list({}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(list({.states = {IncidentState::kQueued}, .device_id = {}}), ElementsAre(3, 4));
  EXPECT_THAT(list({.states = {IncidentState::kQueued, IncidentState::kHeld}, .device_id = {}}), ElementsAre(1, 3, 4));
  EXPECT_THAT(list({.states = {}, .device_id = "ns:another"}), ElementsAre(4));
  EXPECT_THAT(list({.states = {IncidentState::kHeld}, .device_id = "ns:another"}), IsEmpty());
  EXPECT_THAT(list({.states = {IncidentState::kStuck}, .device_id = {}}), IsEmpty());
}

TEST_F(LedgerQueries, PagesJoinToTheWhole) {
  std::vector<LedgerChange> changes;
  for (std::uint64_t id = 1; id <= 7; ++id) {
    changes.emplace_back(an_incident(id));
  }
  write(changes);
  const auto first = reader_.list({}, {}, 3).value();
  EXPECT_THAT(ids(first.incidents), ElementsAre(1, 2, 3));
  ASSERT_TRUE(first.next.has_value());
  const auto second = reader_.list({}, *first.next, 4).value();
  EXPECT_THAT(ids(second.incidents), ElementsAre(4, 5, 6, 7));
  EXPECT_FALSE(second.next.has_value());
}

TEST_F(LedgerQueries, GiveAllThatIsKnownOfAnIncident) {
  ASSERT_TRUE(ledger_.apply(a_story(13)).has_value());
  const auto detail = reader_.incident({2}).value();
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->incident, an_incident(2, IncidentState::kRepairing));
  EXPECT_EQ(detail->plan, a_plan(2));
  EXPECT_EQ(detail->decision->decision.rule, "rest");
  EXPECT_EQ(detail->approval, an_approval(a_plan(2)));
  ASSERT_EQ(detail->jobs.size(), 1U);
  EXPECT_EQ(detail->jobs[0].begin, a_job(2, a_plan(2)));
  EXPECT_EQ(reader_.incident({3}).value().has_value(), false);
}

TEST_F(LedgerQueries, GiveTheHistoryInOrderAndInPieces) {
  ASSERT_TRUE(ledger_.apply(a_story(10)).has_value());
  const auto lines = reader_.history(IncidentId{1}, 0, 5).value();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[4].audit.text, "record 5");
  EXPECT_EQ(lines[4].seq, 5U);
  EXPECT_EQ(reader_.history(IncidentId{1}, lines[4].number, 100).value().size(), 3U);
  EXPECT_EQ(reader_.history({}, 0, 100).value().size(), 10U);
}

TEST_F(LedgerQueries, KeepTheReportOfEveryRepair) {
  ASSERT_TRUE(ledger_.apply(a_story(8)).has_value());
  auto again = ledger::PutReport{.job = {}, .report = samples::report()};
  again.report.incident.id.value = 1;
  again.report.incident.reason = "the second time";
  write({again});
  const auto reports = reader_.reports({1}).value();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].job, JobId{1});
  EXPECT_EQ(reports[1], again);
  EXPECT_THAT(reader_.reports({2}).value(), IsEmpty());
}

TEST_F(LedgerQueries, LoadBringsJobsWithAnOpenIntentFirst) {
  const auto plan = a_plan(1);
  write({an_incident(1), plan, a_job(1, plan), an_end(1), a_job(2, plan), a_job(3, plan)});
  write({ledger::StepIntent{an_intent(3, 0)}, ledger::StepOutcome{ended(an_intent(3, 0))},
         ledger::StepIntent{an_intent(3, 1)}});
  const auto unended = load(ledger_).jobs;
  ASSERT_EQ(unended.size(), 2U);
  EXPECT_EQ(unended[0].begin.job.value, 3U);
  ASSERT_NE(unended[0].open_intent(), nullptr);
  EXPECT_EQ(*unended[0].open_intent(), an_intent(3, 1));
  EXPECT_EQ(unended[1].begin.job.value, 2U);
  EXPECT_EQ(unended[1].open_intent(), nullptr);

  const auto when = a_job(1, plan).when;
  const auto of_today = load(ledger_, {.finished_limit = 0, .jobs_since = when}).jobs;
  ASSERT_EQ(of_today.size(), 3U);
  EXPECT_EQ(of_today[2].end, an_end(1));
  EXPECT_EQ(load(ledger_, {.finished_limit = 0, .jobs_since = when + std::chrono::seconds(1)}).jobs.size(), 2U);
}

TEST_F(LedgerQueries, LoadKeepsAnIntentOpenWhoseJobEnded) {
  const auto plan = a_plan(1);
  write({an_incident(1), plan, a_job(1, plan), ledger::StepIntent{an_intent(1)}, an_end(1, Outcome::kIndeterminate)});
  const auto jobs = load(ledger_).jobs;
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_NE(jobs[0].open_intent(), nullptr);
}

TEST_F(LedgerQueries, LoadBringsOpenIncidentsAndTheLatestFinishedOnes) {
  write({an_incident(1, IncidentState::kRepaired)});
  write({an_incident(2, IncidentState::kCleared), an_incident(3, IncidentState::kDismissed)});
  write({an_incident(4, IncidentState::kFailed), an_incident(5, IncidentState::kDetected)});
  write({an_incident(1, IncidentState::kRepaired)});
  std::vector<std::uint64_t> loaded;
  for (const auto& put : load(ledger_, {.finished_limit = 1, .jobs_since = {}}).incidents) {
    loaded.push_back(put.incident.id.value);
  }
  EXPECT_THAT(loaded, ElementsAre(1, 3, 4, 5));
}

TEST_F(LedgerQueries, ReplaceWhatASourceSaysOfADevice) {
  auto list = samples::media_errors();
  write({ledger::PutMediaErrors{list}});
  list.ranges.clear();
  write({ledger::PutMediaErrors{list}});
  EXPECT_THAT(load(ledger_).media_errors, ElementsAre(ledger::PutMediaErrors{list}));
}

// Rows that are not what was put in. None may be skipped: an incident less would be taken for one that never was.
TEST(LedgerRows, ThatCannotBeReadAreNamed) {
  const struct {
    const char* sql;
    const char* error;
  } rows[] = {
      {"UPDATE incidents SET json = 'x' WHERE id = 2", "incident 2: "},
      {"UPDATE incidents SET json = json || ' ' || json WHERE id = 2", "incident 2: "},
      {"UPDATE incidents SET json = json_remove(json, '$.incident.state') WHERE id = 2", "incident 2: /incident"},
      {"UPDATE incidents SET json = json_set(json, '$.incident.more', 1) WHERE id = 2", "incident 2: "},
      {"UPDATE incidents SET json = json_set(json, '$.incident.offset', -1) WHERE id = 2", "/incident/offset"},
      {"UPDATE incidents SET json = json_set(json, '$.incident.id', 3) WHERE id = 2", "incident 2: is 3"},
      {"UPDATE plans SET json = json_set(json, '$.plan.lost', json_array()) WHERE incident = 2",
       "hash is not that of the plan"},
      {"UPDATE approvals SET json = json_set(json, '$.incident', 1) WHERE incident = 2", "approval of incident 2 "},
      {"UPDATE jobs SET json = '{}' WHERE id = 2", "job 2: "},
      {"UPDATE jobs SET end_json = '{}' WHERE id = 2", "end of job 2: "},
      {"UPDATE steps SET intent_json = replace(intent_json, 'null', '1') WHERE job = 2", "intent of step 2 0: "},
      {"UPDATE steps SET outcome_json = intent_json WHERE job = 2", "outcome of step 2 0: "},
      {"UPDATE devices SET json = '[]'", "device ns:1: "},
      {"UPDATE media_errors SET source = 'other'", "media errors of "},
  };
  for (const auto& row : rows) {
    const LedgerDir dir;
    {
      auto ledger = dir.open();
      ASSERT_TRUE(ledger->apply(a_story(14)).has_value());
      ASSERT_TRUE(ledger->close().has_value());
    }
    ASSERT_TRUE(state_in(dir).has_value());
    dir.tamper(row.sql);
    const auto state = state_in(dir);
    ASSERT_FALSE(state.has_value()) << row.sql;
    EXPECT_TRUE(state.error().is(Errc::kCorrupt)) << row.sql;
    EXPECT_THAT(state.error().what, HasSubstr(row.error)) << row.sql;
  }
}

// Incident `id` at this place, repaired for the n-th time.
ledger::PutIncident a_repair(std::uint64_t id, const ByteRange& place, std::uint64_t repairs = 1) {
  ledger::PutIncident put = an_incident(id, IncidentState::kRepaired);
  put.incident.device_range = place;
  put.memory.bad = {place};
  put.memory.repairs = repairs - 1;
  put.memory.proven = WallTime(std::chrono::seconds(1'800'000'000 + id));
  return put;
}

TEST_F(LedgerQueries, ProvenRepairsAreGivenBackPackedWhateverElseIsForgotten) {
  auto elsewhere = a_repair(3, {0, 512});
  elsewhere.incident.device_id = "ns:another";
  write({a_repair(1, {8192, 512}), a_repair(2, {0, 4096}, 3), elsewhere, an_incident(4, IncidentState::kCleared)});
  const LedgerState state = load(ledger_, {.finished_limit = 0, .jobs_since = {}});
  EXPECT_THAT(state.incidents, IsEmpty());
  ASSERT_EQ(state.past.size(), 2U);
  const std::uint64_t seen = samples::incident().seen;
  EXPECT_EQ(state.past[1].device_id, "ns:another");
  EXPECT_THAT(state.past[0].repairs,
              ElementsAre(PastRepair{{0, 4096}, WallTime(std::chrono::seconds(1'800'000'002)), 3, seen},
                          PastRepair{{8192, 512}, WallTime(std::chrono::seconds(1'800'000'001)), 1, seen}));
}

TEST_F(LedgerQueries, EarlierRepairsAreThoseThatOverlapTheLatestFirst) {
  write({a_repair(1, {4096, 512}), a_repair(2, {0, 1U << 20U}, 2), a_repair(3, {4608, 512}),
         a_repair(4, {4096, 512}, 3), a_repair(5, {4096, 512}, 4)});
  const std::string device = samples::incident().device_id;
  const auto earlier = [&](const ByteRange& range, std::uint64_t before, std::size_t limit) {
    std::vector<std::uint64_t> found;
    const auto repairs = reader_.earlier({device, range, {before}}, limit).value();
    for (const EarlierRepair& repair : repairs) {
      found.push_back(repair.incident.value);
    }
    return found;
  };
  EXPECT_THAT(earlier({4096, 512}, 5, 10), ElementsAre(4, 2, 1));
  EXPECT_THAT(earlier({4096, 512}, 5, 2), ElementsAre(4, 2));
  EXPECT_THAT(earlier({5120, 512}, 9, 10), ElementsAre(2));
  EXPECT_THAT(earlier({1U << 20U, 512}, 9, 10), IsEmpty());
  const EarlierRepair first = reader_.earlier({device, {4096, 512}, {2}}, 1).value().front();
  EXPECT_EQ(first.repaired, WallTime(std::chrono::seconds(1'800'000'001)));
  EXPECT_EQ(first.method, samples::incident().plan->method);
}

TEST_F(LedgerQueries, FilesAreEndangeredByWhatIsOpenAndWhatWasRepairedAgain) {
  auto elsewhere = an_incident(6);
  elsewhere.incident.device_id = "ns:another";
  write({a_repair(1, {0, 512}), a_repair(2, {0, 512}, 2), an_incident(3), an_incident(4, IncidentState::kCleared),
         an_incident(5, IncidentState::kDismissed), elsewhere});
  const std::string device = samples::incident().device_id;
  const auto all = reader_.endangering(device, {}, 10).value();
  EXPECT_THAT(ids(all.incidents), ElementsAre(2, 3, 5));
  EXPECT_FALSE(all.next);
  const auto first = reader_.endangering(device, {}, 2).value();
  EXPECT_THAT(ids(first.incidents), ElementsAre(2, 3));
  EXPECT_THAT(ids(reader_.endangering(device, *first.next, 2).value().incidents), ElementsAre(5));
}

}  // namespace
}  // namespace pmend
