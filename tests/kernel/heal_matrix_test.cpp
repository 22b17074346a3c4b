// SPDX-License-Identifier: Apache-2.0
// What plain system calls do to a poisoned block, on XFS and ext4, in every mode of the medium. The table in
// docs/heal-matrix.md is this run's; a difference fails the test, PMEND_UPDATE_DOCS=1 writes it anew.
#include "kernel/heal_methods.hpp"
#include "kernel/kernel_test.hpp"
#include "pmend/base/text.hpp"
#include "support/must.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

namespace pmend::world {
namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kFileBlocks = 16;
constexpr std::uint64_t kBadBlock = 9;
constexpr std::size_t kSectorsInBlock = 8;

const std::array<FsType, 2> kFileSystems{FsType::kXfs, FsType::kExt4};
const std::array<std::string, 3> kWriteModes{"eio", "clear", "lie"};
const std::array<std::string, 4> kZeroModes{"clear", "eio", "nosupp", "lie"};

// What one method did.
struct Cell {
  int error = 0;
  bool poison_gone = false;
  std::string place;   // same, moved, hole; "unwritten" added where the extent became so
  std::string direct;  // one letter a sector, read with O_DIRECT: (O)ld (N)ew 0 (P)oison junk, - unreadable
  std::string cached;  // the same, buffered
  bool neighbours_kept = false;

  std::string text() const {
    std::string line = error == 0 ? "ok" : strerrorname_np(error);
    line += poison_gone ? ", gone, " : ", LEFT, ";
    line += place + ", " + direct;
    line += cached == direct ? "" : " (cached " + cached + ")";
    return line + (neighbours_kept ? "" : ", NEIGHBOURS CHANGED");
  }
};

char classify(std::span<const std::byte> sector, std::span<const std::byte> old) {
  const auto all = [&](unsigned char value) {
    return std::all_of(sector.begin(), sector.end(), [&](std::byte b) { return b == std::byte{value}; });
  };
  if (std::memcmp(sector.data(), old.data(), sector.size()) == 0) {
    return 'O';
  }
  if (all(0)) {
    return '0';
  }
  if (all(kNewByte)) {
    return 'N';
  }
  return describe_bytes(sector).starts_with("junk") ? 'P' : '?';
}

// Reads the block in pieces of `grain` and says what each sector holds.
std::string look(const std::string& path, const FileModel& model, std::uint64_t offset, int flags, std::size_t grain) {
  const UniqueFd fd = must(open_file(path, O_RDONLY | flags));
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_RANDOM);
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  alignas(kBlock) std::array<std::byte, kBlock> actual{};
  std::array<std::byte, kBlock> old{};
  model.expected_bytes(old, offset);
  std::string letters;
  for (std::size_t at = 0; at < kBlock; at += grain) {
    const std::span<std::byte> piece = std::span(actual).subspan(at, grain);
    const bool readable = read_exactly(fd.get(), piece, offset + at).has_value();
    for (std::size_t i = 0; i < grain; i += kSectorBytes) {
      letters +=
          readable ? classify(piece.subspan(i, kSectorBytes), std::span(old).subspan(at + i, kSectorBytes)) : '-';
    }
  }
  return letters;
}

std::string place_of(const std::string& path, std::uint64_t offset, std::uint64_t device_before) {
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  for (const kernel::FileExtent& extent : must(kernel::fiemap(fd.get(), {offset, kBlock}))) {
    if (extent.file_range().contains(offset)) {
      const bool same = extent.device_offset + (offset - extent.file_offset) == device_before;
      return std::string(same ? "same" : "moved") + (extent.is_unwritten() ? " unwritten" : "");
    }
  }
  return "hole";
}

class HealMatrix : public KernelTest {
 protected:
  // All methods in one mode of the medium; one file each.
  std::map<std::string, Cell> run_modes(FsType type, const std::string& write, const std::string& zero) {
    World world({.fs = {.type = type}, .standard_files = false});
    for (const HealMethod& method : heal_methods()) {
      world.tree().add_file(file_name(method), kFileBlocks * kBlock);
    }
    world.settle();
    std::map<std::string, Cell> cells;
    for (const HealMethod& method : heal_methods()) {
      // A loop device that once got "not supported" never tries again: every method gets a fresh one.
      world.reattach();
      world.medium().set_mode("write=" + write + " zero=" + zero + " discard=" + zero);
      cells[method.name] = run_method(world, method);
      world.medium().set_mode("write=clear zero=clear discard=clear");
      world.medium().unpoison({0, world.medium().size_bytes()});
    }
    return cells;
  }

  static std::string file_name(const HealMethod& method) {
    std::string name = method.name;
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
  }

  Cell run_method(World& world, const HealMethod& method) {
    FileModel& model = world.tree().file(file_name(method));
    const std::uint64_t offset = kBadBlock * kBlock;
    const ByteRange device = world.device_range(model, {offset, kBlock});
    const std::uint64_t bad = method.bad_bytes == kBlock ? 0 : kBadSectorInBlock;
    world.medium().poison({device.offset + bad, method.bad_bytes});
    const std::string path = world.tree().path(model);
    Cell cell;
    cell.error = method.run({path, world.loop().node(), offset, device.offset});
    cell.poison_gone = world.medium().poisoned().empty();
    cell.place = place_of(path, offset, device.offset);
    cell.direct = look(path, model, offset, O_DIRECT, kSectorBytes);
    cell.cached = look(path, model, offset, 0, kBlock);
    cell.neighbours_kept = neighbours_kept(world, model, offset);
    return cell;
  }

  static bool neighbours_kept(World& world, const FileModel& model, std::uint64_t offset) {
    const auto found = compare_content(world.tree(), model);
    return std::all_of(found.begin(), found.end(), [&](const Difference& d) {
      return ByteRange{offset, kBlock}.contains(d.range);
    });
  }
};

// Columns are file system and write mode, rows the methods.
using Column = std::pair<FsType, std::string>;
using Table = std::map<Column, std::map<std::string, Cell>>;

std::string column_name(const Column& column) {
  return to_string(FsOptions{.type = column.first}) + " write=" + column.second;
}

void print_table(std::ostream& out, const std::string& zero, const Table& table) {
  out << "\n## zero=" << zero << " discard=" << zero << "\n\n| method |";
  for (const auto& [column, cells] : table) {
    out << " " << column_name(column) << " |";
  }
  out << "\n|---|";
  for (std::size_t i = 0; i < table.size(); ++i) {
    out << "---|";
  }
  out << "\n";
  for (const HealMethod& method : heal_methods()) {
    out << "| " << method.name << " |";
    for (const auto& [column, cells] : table) {
      out << " " << cells.at(method.name).text() << " |";
    }
    out << "\n";
  }
}

const char* const kIntroduction = R"(# What heals a poisoned block: plain system calls on a medium that fails

Generated by the test HealMatrix (`PMEND_UPDATE_DOCS=1`); do not edit. It repeats, on `pmend-medium` under a loop
device, what pmend must know before it repairs anything: which system call clears a bad sector, which only looks as if
it did, and which moves the block.

One 4096-byte block of a file is poisoned (for methods of 512 bytes: its third sector), the page cache is cold, and the
file system is mounted. Each cell says: the errno; whether the poison is **gone** or LEFT; where the file's block is now
(same, moved, hole; unwritten); and what each of its 8 sectors reads as with O_DIRECT: `O` old data, `N` the written
data, `0` zeros, `P` junk that poisoning left, `-` unreadable (and with buffered reads, where that differs).
The 15 other blocks of the file are compared byte by byte in every cell.

`lie` is a medium that reports success and clears nothing.
)";

// True on every kernel, whatever the document says.
void check_what_must_hold_anywhere(const std::map<std::string, Cell>& cells, const std::string& write,
                                   const std::string& zero) {
  for (const auto& [name, cell] : cells) {
    EXPECT_TRUE(cell.neighbours_kept) << name;
    if (write != "clear" && zero != "clear") {
      EXPECT_FALSE(cell.poison_gone) << name;
    }
  }
  const Cell& zeroed = cells.at("device BLKZEROOUT 512");
  EXPECT_EQ(zeroed.poison_gone, zero == "clear" || (zero == "nosupp" && write == "clear")) << zeroed.text();
  if (zero == "clear") {
    EXPECT_EQ(zeroed.text(), "ok, gone, same, OO0OOOOO");
  }
  const Cell& written = cells.at("file O_DIRECT pwrite 4096");
  EXPECT_EQ(written.poison_gone, write == "clear") << written.text();
  if (write == "clear") {
    EXPECT_EQ(written.text(), "ok, gone, same, NNNNNNNN");
    EXPECT_EQ(cells.at("file O_DIRECT pwrite 512").text(), "ok, gone, same, OONOOOOO");
  }
  EXPECT_FALSE(cells.at("file ZERO_RANGE 4096").poison_gone);
}

void check_document(const std::string& document) {
  const std::string path = std::string(PMEND_SOURCE_DIR) + "/docs/heal-matrix.md";
  const char* update = std::getenv("PMEND_UPDATE_DOCS");
  if (update != nullptr && std::string_view(update) == "1") {
    must(replace_file(path, document, 0644));
  }
  utsname kernel{};
  uname(&kernel);
  EXPECT_EQ(read_text_file(path).value_or("(no document)"), document)
      << "this kernel (" << kernel.release << ") differs from docs/heal-matrix.md; PMEND_UPDATE_DOCS=1 writes it anew";
}

TEST_F(HealMatrix, IsWhatTheDocumentSays) {
  std::ostringstream document;
  document << kIntroduction;
  for (const std::string& zero : kZeroModes) {
    Table table;
    for (const FsType type : kFileSystems) {
      for (const std::string& write : kWriteModes) {
        table[{type, write}] = run_modes(type, write, zero);
      }
    }
    for (const auto& [column, cells] : table) {
      SCOPED_TRACE(column_name(column) + " zero=" + zero);
      check_what_must_hold_anywhere(cells, column.second, zero);
    }
    print_table(document, zero, table);
  }
  check_document(document.str());
}

}  // namespace
}  // namespace pmend::world
