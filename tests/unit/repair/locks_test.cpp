// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/locks.hpp"

#include "pmend/repair/child.hpp"
#include "unit/repair/temp_dir.hpp"

#include <gmock/gmock.h>

#include <sys/wait.h>

#include <csignal>

namespace pmend::repair {
namespace {

using protocol::LockKind;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const LockName kDeviceLock{LockKind::kDevice, "loop:/a b/../disk"};
const LockName kFilesystemLock{LockKind::kFilesystem, "2e6b1a5c-0000-4000-8000-000000000001"};

std::vector<OpenBy> nobody(dev_t, ino_t) {
  return {};
}

class LocksTest : public TempDirTest {};

TEST_F(LocksTest, AreFreeAgainWhenTheHolderLetsGo) {
  {
    const auto lock = Lock::take(directory_, kDeviceLock, {7});
    ASSERT_TRUE(lock.has_value()) << lock.error().message();
    const auto second = Lock::take(directory_, kDeviceLock, {8});
    ASSERT_FALSE(second.has_value());
    EXPECT_TRUE(second.error().is_errno(EBUSY));
    EXPECT_NE(second.error().message().find("job 7"), std::string::npos) << second.error().message();
  }
  EXPECT_TRUE(Lock::take(directory_, kDeviceLock, {8}).has_value());
}

TEST_F(LocksTest, OfOtherNamesAndKindsDoNotMeet) {
  const auto lock = Lock::take(directory_, kDeviceLock, {7});
  EXPECT_TRUE(Lock::take(directory_, kFilesystemLock, {8}).has_value());
  EXPECT_TRUE(Lock::take(directory_, {LockKind::kFilesystem, kDeviceLock.name}, {8}).has_value());
}

TEST_F(LocksTest, AreTakenAllOrNone) {
  const auto other = Lock::take(directory_, kFilesystemLock, {1});
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(take_locks(directory_, {kDeviceLock, kFilesystemLock}, {2}).has_value());
  EXPECT_TRUE(Lock::take(directory_, kDeviceLock, {3}).has_value());
}

TEST_F(LocksTest, InspectionNamesHolderAndTakesNothing) {
  const auto locks = take_locks(directory_, {kDeviceLock, kFilesystemLock}, {7});
  ASSERT_TRUE(locks.has_value());
  for (int i = 0; i < 2; ++i) {
    const auto held = inspect_locks(directory_, nobody);
    ASSERT_TRUE(held.has_value());
    ASSERT_THAT(*held, SizeIs(2));
    EXPECT_EQ((*held)[1].name, kDeviceLock.name);
    EXPECT_EQ((*held)[1].kind, LockKind::kDevice);
    EXPECT_EQ((*held)[1].job, JobId{7});
    EXPECT_EQ((*held)[1].pid, static_cast<std::uint32_t>(getpid()));
    EXPECT_FALSE((*held)[1].uninterruptible);
  }
}

TEST_F(LocksTest, LeftoverFilesAreNoLocks) {
  { const auto lock = Lock::take(directory_, kDeviceLock, {7}); }
  EXPECT_THAT(inspect_locks(directory_, nobody).value(), IsEmpty());
  EXPECT_THAT(inspect_locks(directory_ / "missing", nobody).value(), IsEmpty());
}

TEST_F(LocksTest, AChildThatOutlivesTheHolderStillHoldsThem) {
  int to_child[2];
  ASSERT_EQ(pipe(to_child), 0);
  pid_t child = -1;
  {
    const auto lock = Lock::take(directory_, kDeviceLock, {7});
    ASSERT_TRUE(lock.has_value());
    child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(to_child[1]);
      char byte = 0;
      (void)!read(to_child[0], &byte, 1);  // until the test is done
      _exit(0);
    }
  }
  close(to_child[0]);
  const auto held = inspect_locks(directory_, [child](dev_t, ino_t) {
    return std::vector{OpenBy{static_cast<std::uint32_t>(child), "child", "", false}};
  });
  EXPECT_FALSE(Lock::take(directory_, kDeviceLock, {8}).has_value());
  close(to_child[1]);
  waitpid(child, nullptr, 0);
  ASSERT_THAT(held.value(), SizeIs(1));
  EXPECT_EQ(held->front().job, JobId{7});
  EXPECT_TRUE(Lock::take(directory_, kDeviceLock, {8}).has_value());
}

TEST_F(LocksTest, GarbageInALockFileIsNoHolder) {
  auto lock = Lock::take(directory_, kDeviceLock, {7});
  ASSERT_TRUE(lock.has_value());
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    std::filesystem::resize_file(entry.path(), 5);
  }
  const auto held = inspect_locks(directory_, nobody);
  ASSERT_THAT(held.value(), SizeIs(1));
  EXPECT_EQ(held->front().job, std::nullopt);
  EXPECT_EQ(held->front().pid, std::nullopt);
  EXPECT_EQ(held->front().kind, LockKind::kDevice);
}

}  // namespace
}  // namespace pmend::repair
