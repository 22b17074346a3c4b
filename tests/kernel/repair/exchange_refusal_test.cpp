// SPDX-License-Identifier: Apache-2.0
// What cannot be exchanged: the reason is named, and nothing is changed.
#include "kernel/repair/exchange_world.hpp"
#include "pmend/repair/quarantine.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace pmend::world {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ExchangeRefusal : public ExchangeTest {
 protected:
  void expect_blocked(RepairBench& bench, const FileModel& file, const ByteRange& range, const std::string& text) {
    bench.world().mark_trace();
    const auto reply = bench.plan(file, {range});
    ASSERT_TRUE(reply.refusal.has_value());
    EXPECT_EQ(reply.refusal->state, RefusalState::kBlocked);
    EXPECT_THAT(reply.refusal->reason, HasSubstr(text));
    EXPECT_THAT(bench.world().stray_writes({}), IsEmpty());
    EXPECT_THAT(quarantined(bench), IsEmpty());
  }
};

TEST_F(ExchangeRefusal, FilesWithCapabilities) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  const FileModel& file = bench.file("capable");
  bench.world().poison(file, {4096, 512});
  expect_blocked(bench, file, {4096, 512}, "security.capability");
}

TEST_F(ExchangeRefusal, ASharedExtentThatTheCacheHasForOneOfItsFiles) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  const FileModel& file = bench.file("shared/clone");
  bench.world().poison_cached(file, {4096, 512});
  expect_blocked(bench, file, {4096, 512}, "page cache has bytes of one of its files");
  expect_blocked(bench, bench.file("shared/original"), {4096, 512}, "page cache has bytes of one of its files");
}

TEST_F(ExchangeRefusal, ASharedExtentOfAnOwnerThatNobodyNamed) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  const FileModel& file = bench.file("shared/clone");
  bench.world().poison(file, {4096, 512});
  bench.place();
  auto request = bench.plan_request(file, {{4096, 512}});
  request.owners.resize(1);
  const auto reply = repair::plan_repair(bench.place(), request);
  ASSERT_TRUE(reply.refusal.has_value());
  EXPECT_THAT(reply.refusal->reason, HasSubstr("has the extent too"));
}

TEST_F(ExchangeRefusal, ASharedExtentWhereTheFileSystemDoesNotNameOwners) {
  WorldOptions options = exchange_world();
  options.fs.rmapbt = false;
  RepairBench bench(options);
  bench.allow(exchange_methods());
  const FileModel& file = bench.file("shared/clone");
  bench.world().poison(file, {4096, 512});
  expect_blocked(bench, file, {4096, 512}, "rmapbt=0");
}

TEST_F(ExchangeRefusal, AFileSystemWithoutIt) {
  RepairBench bench(plain_world(FsType::kXfs));
  bench.allow(exchange_methods());
  const FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096, 512});
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  expect_blocked(bench, file, {4096, 512}, "in use");
}

TEST_F(ExchangeRefusal, AQuarantineThatIsNotRootsAlone) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  const FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096, 512});
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  const std::string directory = bench.world().fs().mount_point() + "/" + repair::kQuarantineName;
  std::filesystem::create_directories(directory);
  std::filesystem::permissions(directory, std::filesystem::perms(0755));
  const auto told = bench.run(bench.repair_request(file, {{4096, 512}}));
  EXPECT_EQ(told.reply.outcome, Outcome::kRefused) << told.reply.reason;
  EXPECT_THAT(told.reply.reason, HasSubstr("0700"));
}

TEST_F(ExchangeRefusal, NothingIsChangedWhereItsUserWritesTheUnitAfterThePlan) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=clear");
  FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096, 512});
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  const auto request = bench.repair_request(file, {{4096, 512}});
  const std::vector<std::byte> newer(4096, std::byte{'N'});
  const auto told = bench.run(request, repair::JobKind::kRepair, [&](const Step& step) {
    if (step.kind == StepKind::kExchange) {
      must(write_exactly(user.get(), newer, 4096));
    }
  });
  EXPECT_THAT(told.reply.outcome, AnyOf(Outcome::kTargetChanged, Outcome::kUnnecessary)) << told.reply.reason;
  file.patches[4096] = newer;
  must_call(fsync(user.get()), "fsync");
  EXPECT_THAT(quarantined(bench), IsEmpty());
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

}  // namespace
}  // namespace pmend::world
