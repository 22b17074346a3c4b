// SPDX-License-Identifier: Apache-2.0
#include "kernel/repair/matrix_world.hpp"

#include "medium/trace_reader.hpp"
#include "pmend/base/text.hpp"
#include "pmend/kernel/getfsmap.hpp"
#include "pmend/kernel/page_cache.hpp"
#include "pmend/model/range_list.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace pmend::world {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kVictimBlocks = 4;
constexpr ByteRange kBadSector{kBlock + 1024, 512};
constexpr std::uint64_t kTailBytes = 3 * kBlock + 1636;
constexpr ByteRange kBadTail{3 * kBlock + 1536, 512};
// Behind what is mapped of the program, and behind all that is read ahead.
constexpr std::uint64_t kProgramBytes = 1U << 20U;
constexpr ByteRange kBadOfProgram{kProgramBytes - kBlock + 1024, 512};

// What a user has written last, in the bad page, and not synced.
constexpr std::uint64_t kDirtyInPage = 100;
constexpr std::byte kDirty{'D'};

WorldOptions options_of(const Cell& cell) {
  WorldOptions options;
  options.fs = file_systems().at(cell.fs);
  options.standard_files = false;
  return options;
}

ByteRange bad_in_file(const Cell& cell) {
  return cell.owned == Owned::kTail ? kBadTail : cell.owned == Owned::kRunning ? kBadOfProgram : kBadSector;
}

std::uint64_t dirty_at(const Cell& cell) {
  return round_out(bad_in_file(cell), kBlock).offset + kDirtyInPage;
}

void add_program(Tree& tree, const std::string& name) {
  FileModel& file = tree.add_file(name, kProgramBytes);
  const std::string text = must(read_text_file("/bin/sleep"));
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  std::vector<std::byte> program(bytes, bytes + text.size());
  const UniqueFd fd = must(open_file(tree.path(file), O_RDWR));
  must(write_exactly(fd.get(), program, 0));
  must_call(fchmod(fd.get(), 0755), "fchmod");
  file.patches[0] = std::move(program);
}

void add_pair(Tree& tree, const std::string& name) {
  FileModel& file = tree.add_file(name, kVictimBlocks * kBlock);
  const UniqueFd fd = must(open_file(tree.path(file), O_RDONLY));
  must_call(fsync(fd.get()), "fsync");
  tree.add_reflink(file, name + ".twin");
}

// Through a mapping: a write would take the file's capabilities away.
void store_dirty(const std::string& path, std::uint64_t offset) {
  const UniqueFd fd = must(open_file(path, O_RDWR));
  const auto page = must(
      kernel::FileMapping::create(fd.get(), round_out({offset, 1}, kBlock), kernel::FileMapping::Access::kReadWrite));
  page.data()[offset % kBlock] = kDirty;
}

}  // namespace

MatrixWorld::MatrixWorld(const std::vector<Cell>& cells) : bench_(options_of(cells.front())) {
  bench_.allow({Method::kRedirty, Method::kRewrite, Method::kFrozenWrite});
  for (const Cell& cell : cells) {
    add_victim(cell);
  }
  world().settle();
  world().medium().set_mode("write=" + kWriteWords.at(cells.front().write) +
                            " zero=" + kZeroWords.at(cells.front().zero));
}

void MatrixWorld::add_victim(const Cell& cell) {
  Tree& tree = world().tree();
  const std::string name = name_of(cell);
  switch (cell.owned) {
    case Owned::kShared:
      add_pair(tree, name);
      break;
    case Owned::kTail:
      tree.add_file(name, kTailBytes);
      break;
    case Owned::kCapability:
      tree.set_capability(tree.add_file(name, kVictimBlocks * kBlock));
      break;
    case Owned::kRunning:
      add_program(tree, name);
      break;
    case Owned::kUnwritten:
      tree.add_unwritten_file(name, kVictimBlocks * kBlock);
      break;
    case Owned::kFree:
    case Owned::kMetadata:
      break;
    case Owned::kPlain:
    case Owned::kInUse:
    case Owned::kImmutable:
      tree.add_file(name, kVictimBlocks * kBlock);
      break;
  }
}

// In the middle of the largest free space.
ByteRange MatrixWorld::free_sector() {
  const UniqueFd mount = must(open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
  ByteRange largest;
  for (const kernel::FsmapRecord& record : must(kernel::getfsmap(mount.get(), {0, world().medium().size_bytes()}))) {
    if (record.is_free() && record.length > largest.length) {
      largest = record.device_range();
    }
  }
  return {round_out({largest.offset + largest.length / 2, 512}, kBlock).offset + 1024, 512};
}

// Of XFS the second superblock, which nobody reads while it is mounted; of ext4 a part of an inode table that is empty.
ByteRange MatrixWorld::metadata_sector() {
  const std::string& node = world().fs().node();
  if (world().fs().options().type == FsType::kXfs) {
    const std::string text = must_run({"xfs_db", "-r", "-c", "sb 0", "-c", "print agblocks", node});
    return {std::stoull(text.substr(text.find('=') + 1)) * kBlock, 512};
  }
  const UniqueFd mount = must(open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
  ByteRange last;
  for (const kernel::FsmapRecord& record : must(kernel::getfsmap(mount.get(), {0, world().medium().size_bytes()}))) {
    if (record.is_special() && !record.is_free() && !record.is_unknown() && record.length >= 2 * kBlock) {
      last = {record.device_range().end() - kBlock, 512};
    }
  }
  return last;
}

MatrixWorld::Victim MatrixWorld::locate(const Cell& cell) {
  Victim victim;
  if (cell.owned == Owned::kFree || cell.owned == Owned::kMetadata) {
    victim.bad = cell.owned == Owned::kFree ? free_sector() : metadata_sector();
    return victim;
  }
  victim.file = &world().tree().file(name_of(cell));
  victim.twin = cell.owned == Owned::kShared ? &world().tree().file(name_of(cell) + ".twin") : nullptr;
  victim.in_file = bad_in_file(cell);
  victim.bad = world().device_range(*victim.file, victim.in_file);
  return victim;
}

// Nobody has read any page of a victim before its turn, so that what is not read here is cold.
MatrixWorld::Victim MatrixWorld::make_bad(const Cell& cell) {
  Victim victim = locate(cell);
  const std::string path = victim.file != nullptr ? world().tree().path(*victim.file) : "";
  for (const FileModel* file : {victim.file, victim.twin}) {
    if (file != nullptr && cell.page != Page::kCold) {
      victim.kept.push_back(std::make_unique<KeptPages>(world().tree().path(*file), file->size));
    }
  }
  world().medium().poison(victim.bad);
  victim.trace_begin = must(medium::read_trace(world().medium().trace_path())).size();
  if (cell.page == Page::kDirty) {
    store_dirty(path, dirty_at(cell));
  }
  if (cell.owned == Owned::kImmutable) {
    set_immutable(path, true);
  } else if (cell.owned == Owned::kInUse) {
    victim.user = must(open_file(path, O_RDWR));
  } else if (cell.owned == Owned::kRunning) {
    victim.program = Child({path, "1000"});
  }
  units_.push_back(victim.page());
  if (cell.page == Page::kDirty) {
    // Its user's own: the kernel writes back whole folios.
    for (const kernel::FileExtent& extent : victim.file->extents) {
      units_.push_back(extent.device_range());
    }
  }
  poisoned_.insert(victim.bad);
  return victim;
}

void MatrixWorld::run(const Cell& cell) {
  const Expected expected = expected_of(cell);
  Victim victim = make_bad(cell);
  const auto reply = plan(victim);
  if (!expected.method) {
    expect_refused(cell, victim, reply);
    take_refused(cell, victim);
  } else if (!reply.plan) {
    ADD_FAILURE() << "refused: " << reply.refusal->reason;
  } else {
    EXPECT_EQ(reply.plan->method, *expected.method);
    EXPECT_EQ(total_bytes(reply.plan->lost), expected.loses ? victim.bad.length : 0);
    expect_repaired(cell, victim, *reply.plan);
  }
  let_go(cell, victim);
}

protocol::PlanReply MatrixWorld::plan(const Victim& victim) {
  const repair::Place& place = bench_.place();
  return repair::plan_repair(place, bench_.request_for({victim.bad}));
}

void MatrixWorld::expect_refused(const Cell& cell, const Victim& victim, const protocol::PlanReply& reply) {
  ASSERT_TRUE(reply.refusal.has_value()) << "planned: " << to_string(reply.plan->method);
  EXPECT_THAT(reply.refusal->reason, HasSubstr(expected_of(cell).refusal));
  expect_no_write(victim, true);
  EXPECT_THAT(world().medium().poisoned(), Contains(victim.bad));
}

// What is dirty is written back later, which must not fail where the journal has it: that would end the file system.
void MatrixWorld::take_refused(const Cell& cell, Victim& victim) {
  if (cell.page == Page::kDirty) {
    world().medium().unpoison(victim.bad);
    poisoned_.erase(victim.bad);
    victim.file->patches[dirty_at(cell)] = {kDirty};
    moved_.push_back(victim.file);
  }
}

void MatrixWorld::expect_repaired(const Cell& cell, Victim& victim, const Plan& planned) {
  auto told = bench_.run(bench_.repair_request({planned, std::nullopt}));
  Method method = planned.method;
  if (cell.page == Page::kDirty && cell.owned == Owned::kShared) {
    // The write-back before the freeze gave its user a block of his own: the bad one is the other file's alone now.
    EXPECT_EQ(told.reply.outcome, Outcome::kTargetChanged) << told.reply.reason;
    moved_.insert(moved_.end(), {victim.file, victim.twin});
    victim.file->patches[dirty_at(cell)] = {kDirty};
    std::swap(victim.file, victim.twin);
    const auto again = plan(victim);
    ASSERT_TRUE(again.plan.has_value()) << again.refusal->reason;
    EXPECT_EQ(again.plan->method, method = Method::kRedirty);
    told = bench_.run(bench_.repair_request(again));
  }
  if (heals(cell, method)) {
    expect_healed(cell, victim, told.reply);
    return;
  }
  EXPECT_THAT(told.reply.outcome, Not(Outcome::kSucceeded));
  EXPECT_THAT(told.reply.manifest.lost, IsEmpty());
  EXPECT_THAT(world().medium().poisoned(), Contains(victim.bad));
  expect_no_write(victim, false);
  expect_cached(cell, victim);
}

void MatrixWorld::expect_healed(const Cell& cell, Victim& victim, const protocol::RepairReply& reply) {
  const bool frozen = expected_of(cell).method == Method::kFrozenWrite && cell.owned != Owned::kShared;
  const bool written_back = kWriteWords.at(cell.write) == "clear";
  // What its own user has not synced is synced before a freeze: that write may heal it.
  if (cell.page == Page::kDirty && frozen && written_back) {
    EXPECT_THAT(reply.outcome, AnyOf(Outcome::kUnnecessary, Outcome::kTargetChanged)) << reply.reason;
  } else {
    EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  }
  EXPECT_THAT(world().medium().poisoned(), Not(Contains(victim.bad)));
  poisoned_.erase(victim.bad);
  const bool lost = expected_of(cell).loses;
  EXPECT_EQ(reply.manifest.lost.size(), !lost ? 0U : victim.twin != nullptr ? 2U : 1U);
  for (FileModel* file : {victim.file, victim.twin}) {
    if (file != nullptr && lost) {
      file->zeros.insert(victim.in_file);
    }
  }
  if (cell.page == Page::kDirty && cell.owned == Owned::kUnwritten) {
    moved_.push_back(victim.file);
  }
  if (cell.page == Page::kDirty && frozen && !written_back) {
    // Before, the medium refused what its user had written; its page is the only one that has it, as it was without us.
    expect_cached(cell, victim);
  } else {
    expect_content(cell, victim);
  }
}

void MatrixWorld::expect_content(const Cell& cell, Victim& victim) {
  if (cell.page == Page::kDirty && cell.owned != Owned::kShared) {
    victim.file->patches[dirty_at(cell)] = {kDirty};
  }
  for (const FileModel* file : {victim.file, victim.twin}) {
    if (file != nullptr) {
      EXPECT_THAT(compare_content(world().tree(), *file), IsEmpty());
    }
  }
}

// What its users see has not become less.
void MatrixWorld::expect_cached(const Cell& cell, Victim& victim) {
  if (cell.page == Page::kCold) {
    return;
  }
  const ByteRange page = round_out(victim.in_file, kBlock);
  std::vector<std::byte> expected(std::min(page.end(), victim.file->size) - page.offset);
  victim.file->expected_bytes(expected, page.offset);
  if (cell.page == Page::kDirty && cell.owned != Owned::kShared) {
    expected.at(kDirtyInPage) = kDirty;
  }
  std::vector<std::byte> found(expected.size());
  const UniqueFd fd = must(open_file(world().tree().path(*victim.file), O_RDONLY));
  EXPECT_TRUE(read_exactly(fd.get(), found, page.offset).has_value());
  EXPECT_TRUE(found == expected) << "the page cache has other bytes now";
}

void MatrixWorld::expect_no_write(const Victim& victim, bool failed_too) {
  for (const medium::TraceRecord& record :
       must(medium::read_trace(world().medium().trace_path(), victim.trace_begin))) {
    EXPECT_FALSE(record.range.overlaps(victim.page()) && (failed_too || record.error == 0))
        << "written: " << to_string(record.range);
  }
}

void MatrixWorld::let_go(const Cell& cell, Victim& victim) {
  victim.program.kill();
  victim.user.reset();
  victim.kept.clear();
  if (cell.owned == Owned::kImmutable) {
    set_immutable(world().tree().path(*victim.file), false);
  }
}

void MatrixWorld::expect_all_as_told() {
  bench_.close();
  bench_.tell_of_failed_writes();
  world().fs().drop_caches();
  for (FileModel* file : moved_) {
    file->extents = must(kernel::fiemap(must(open_file(world().tree().path(*file), O_RDONLY)).get()));
    for (const kernel::FileExtent& extent : file->extents) {
      units_.push_back(extent.device_range());
    }
  }
  world().mark(poisoned_, &FileModel::unreadable);
  EXPECT_EQ(RangeSet(world().medium().poisoned()), poisoned_);
  EXPECT_THAT(world().compare(), IsEmpty());
  EXPECT_THAT(world().stray_writes(units_), IsEmpty());
}

}  // namespace pmend::world
