// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/spool.hpp"

#include "pmend/base/text.hpp"
#include "pmend/repair/child.hpp"
#include "unit/repair/temp_dir.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

namespace pmend::repair {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

std::vector<Spool::Bytes> two_units() {
  return {Spool::Bytes(512, std::byte{1}), Spool::Bytes(1024, std::byte{2})};
}

std::string digest(const Spool::Bytes& bytes) {
  return sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

SpoolIndex index_of(const std::vector<Spool::Bytes>& units) {
  SpoolIndex index;
  index.job = {7};
  index.plan_hash = sha256_hex("plan");
  index.attributes = sha256_hex("attributes");
  index.size = 123456;
  index.extents = sha256_hex("extents");
  index.modified = {-5, 999'999'999};
  index.changed = {1'800'000'000, 1};
  std::uint64_t offset = 4096;
  for (const Spool::Bytes& bytes : units) {
    const Unit unit{{offset, bytes.size()}, Method::kRewrite, std::string(bytes.size() / kSectorBytes, kSectorLost)};
    index.units.push_back({unit, digest(bytes), sha256_hex("neighbours")});
    offset += 8192;
  }
  return index;
}

class SpoolTest : public TempDirTest {
 protected:
  Result<Spool> create(const std::string& key = "job-7") {
    return Spool::create(directory_, key, index_of(two_units()), two_units());
  }
  fs::path path(const std::string& name) const { return directory_ / "job-7" / name; }
};

TEST_F(SpoolTest, GivesBackWhatWasPutIn) {
  ASSERT_TRUE(create().has_value());
  const auto spool = Spool::open(directory_, "job-7");
  ASSERT_TRUE(spool.has_value()) << spool.error().message();
  EXPECT_EQ(spool->unit(0).value(), two_units()[0]);
  EXPECT_EQ(spool->unit(1).value(), two_units()[1]);
  const SpoolIndex expected = index_of(two_units());
  EXPECT_EQ(spool->index().job, expected.job);
  EXPECT_EQ(spool->index().plan_hash, expected.plan_hash);
  EXPECT_EQ(spool->index().size, expected.size);
  EXPECT_EQ(spool->index().modified, expected.modified);
  EXPECT_EQ(spool->index().changed, expected.changed);
  EXPECT_EQ(spool->index().units[1].unit, expected.units[1].unit);
}

TEST_F(SpoolTest, NobodyElseCanLookInside) {
  ASSERT_TRUE(create().has_value());
  for (const fs::path& entry : {directory_ / "job-7", path("index.json"), path("unit-0")}) {
    struct stat status = {};
    ASSERT_EQ(stat(entry.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & (S_IRWXG | S_IRWXO), 0U) << entry;
  }
}

TEST_F(SpoolTest, ADirectoryThatOthersCanReachIsRefused) {
  fs::permissions(directory_, fs::perms::owner_all | fs::perms::group_read);
  EXPECT_TRUE(create().error().is(Errc::kRefused));
  EXPECT_TRUE(Spool::open(directory_, "job-7").error().is(Errc::kRefused));
}

TEST_F(SpoolTest, ALinkInPlaceOfTheDirectoryIsRefused) {
  const fs::path real = directory_ / "real";
  fs::create_directory(real);
  fs::permissions(real, fs::perms::owner_all);
  fs::create_directory_symlink(real, directory_ / "link");
  EXPECT_TRUE(Spool::create(directory_ / "link", "k", index_of({}), {}).error().is(Errc::kRefused));
}

TEST_F(SpoolTest, KeysCannotLeaveTheDirectory) {
  for (const char* key : {"", "..", ".", "a/b", "/etc", "-a", "A", "a b"}) {
    EXPECT_TRUE(create(key).error().is(Errc::kInvalid)) << key;
    EXPECT_TRUE(Spool::open(directory_, key).error().is(Errc::kInvalid)) << key;
    EXPECT_TRUE(release_spool(directory_, key).error().is(Errc::kInvalid)) << key;
  }
}

TEST_F(SpoolTest, ACompleteSpoolIsNotOverwritten) {
  ASSERT_TRUE(create().has_value());
  EXPECT_TRUE(create().error().is(Errc::kRefused));
  EXPECT_TRUE(Spool::open(directory_, "job-7").has_value());
}

TEST_F(SpoolTest, WithoutItsIndexItNeverWasAndIsMadeAnew) {
  ASSERT_TRUE(create().has_value());
  fs::remove(path("index.json"));
  EXPECT_TRUE(Spool::open(directory_, "job-7").error().is(Errc::kNotFound));
  EXPECT_TRUE(create().has_value());
}

TEST_F(SpoolTest, TornAndAlteredUnitsAreCorrupt) {
  ASSERT_TRUE(create().has_value());
  fs::resize_file(path("unit-0"), 511);
  fs::remove(path("unit-1"));
  auto spool = Spool::open(directory_, "job-7");
  ASSERT_TRUE(spool.has_value());
  EXPECT_TRUE(spool->unit(0).error().is(Errc::kCorrupt));
  EXPECT_TRUE(spool->unit(1).error().is(Errc::kCorrupt));
  fs::resize_file(path("unit-0"), 512);  // a zero in place of the last byte
  EXPECT_TRUE(spool->unit(0).error().is(Errc::kCorrupt));
}

TEST_F(SpoolTest, AnIndexThatDoesNotParseIsCorrupt) {
  ASSERT_TRUE(create().has_value());
  const std::string good = read_text_file(path("index.json")).value();
  for (const std::string& text : {std::string(), std::string("{}"), good.substr(0, good.size() / 2), good + "x",
                                  std::string("[1]"), std::string("\xFF\x00", 2)}) {
    ASSERT_TRUE(replace_file(path("index.json"), text).has_value());
    EXPECT_TRUE(Spool::open(directory_, "job-7").error().is(Errc::kCorrupt)) << text;
  }
}

TEST_F(SpoolTest, AFullDiskLeavesNothingBehind) {
  // A limit on the size of files stands for the disk that ends.
  const auto child = run_in_child(std::chrono::seconds(60), [this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{600, 600};
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0) {
      return 1;
    }
    return create() ? 2 : 0;
  });
  ASSERT_TRUE(child.has_value());
  EXPECT_EQ(child->value, 0);
  EXPECT_THAT(list_spools(directory_).value(), IsEmpty());
}

TEST_F(SpoolTest, AMissingDirectoryIsAnErrorNotACrash) {
  EXPECT_FALSE(Spool::create(directory_ / "missing", "k", index_of({}), {}).has_value());
  EXPECT_THAT(list_spools(directory_ / "missing").value(), IsEmpty());
  EXPECT_TRUE(release_spool(directory_ / "missing", "k").has_value());
}

TEST_F(SpoolTest, ReleaseTakesAllAndCanBeRepeated) {
  ASSERT_TRUE(create().has_value());
  ASSERT_TRUE(create("job-8").has_value());
  EXPECT_THAT(list_spools(directory_).value(), ElementsAre("job-7", "job-8"));
  ASSERT_TRUE(release_spool(directory_, "job-7").has_value());
  ASSERT_TRUE(release_spool(directory_, "job-7").has_value());
  EXPECT_THAT(list_spools(directory_).value(), ElementsAre("job-8"));
  EXPECT_FALSE(fs::exists(directory_ / "job-7"));
}

TEST_F(SpoolTest, RemembersTheTimeThatOurOwnChangeGave) {
  const auto spool = create();
  ASSERT_TRUE(spool.has_value());
  EXPECT_EQ(spool->own_time(), std::nullopt);
  ASSERT_TRUE(spool->note_own_time({-1, 5}).has_value());
  EXPECT_EQ(spool->own_time(), (FileTime{-1, 5}));
  ASSERT_TRUE(replace_file(path("own-time.json"), R"({"seconds": "x", "nanoseconds": 1})").has_value());
  EXPECT_EQ(spool->own_time(), std::nullopt);
}

TEST_F(SpoolTest, RemembersWhenTheBlocksOfAUnitWereGivenBack) {
  const auto spool = create();
  ASSERT_TRUE(spool.has_value());
  EXPECT_EQ(spool->punch_time(0), std::nullopt);
  ASSERT_TRUE(spool->note_punch(0, {7, 5}).has_value());
  ASSERT_TRUE(spool->note_punch(0, {8, 5}).has_value());
  EXPECT_EQ(spool->punch_time(0), (FileTime{8, 5}));
  EXPECT_EQ(spool->punch_time(1), std::nullopt);
}

}  // namespace
}  // namespace pmend::repair
