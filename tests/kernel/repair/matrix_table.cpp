// SPDX-License-Identifier: Apache-2.0
#include "kernel/repair/matrix_table.hpp"

#include <algorithm>
#include <array>

namespace pmend::world {
namespace {

Expected loses(Method method) {
  return {method, true, ""};
}
Expected keeps(Method method) {
  return {method, false, ""};
}
Expected refused(std::string reason) {
  return {std::nullopt, false, std::move(reason)};
}

struct Row {
  Owned owned;
  const char* name;
  std::array<Expected, 3> pages;  // cold, cached, dirty
};

const std::vector<Row>& rows() {
  using enum Method;
  using enum Owned;
  static const std::vector<Row> all{
      // owned                          cold                 cached               dirty
      {kPlain, "plain", {loses(kRewrite), keeps(kRedirty), keeps(kRedirty)}},
      {kInUse, "in_use", {loses(kFrozenWrite), keeps(kRedirty), keeps(kRedirty)}},
      {kShared, "shared", {loses(kFrozenWrite), keeps(kFrozenWrite), keeps(kFrozenWrite)}},
      {kTail, "tail", {loses(kFrozenWrite), keeps(kRedirty), keeps(kRedirty)}},
      {kCapability, "capability", {loses(kFrozenWrite), keeps(kRedirty), keeps(kRedirty)}},
      {kRunning, "running", {loses(kFrozenWrite), keeps(kFrozenWrite), keeps(kFrozenWrite)}},
      {kImmutable, "immutable", {loses(kFrozenWrite), keeps(kFrozenWrite), keeps(kFrozenWrite)}},
      {kUnwritten, "unwritten", {keeps(kFrozenWrite), keeps(kFrozenWrite), keeps(kFrozenWrite)}},
      {kFree, "free", {keeps(kFrozenWrite), {}, {}}},
      {kMetadata, "metadata", {refused("metadata of the file system"), {}, {}}},
  };
  return all;
}

const Row& row_of(Owned owned) {
  return *std::find_if(rows().begin(), rows().end(), [owned](const Row& row) { return row.owned == owned; });
}

bool has_page(Owned owned) {
  return owned != Owned::kFree && owned != Owned::kMetadata;
}

bool exists(const Cell& cell) {
  const FsOptions& fs = file_systems().at(cell.fs);
  const bool can_share = fs.type == FsType::kXfs && fs.reflink;
  // ext4 writes back what is dirty when a file becomes immutable, and takes no stores then.
  const bool can_be_dirty = cell.owned != Owned::kImmutable || fs.type == FsType::kXfs;
  return (cell.owned != Owned::kShared || can_share) && (has_page(cell.owned) || cell.page == Page::kCold) &&
         (can_be_dirty || cell.page != Page::kDirty);
}

}  // namespace

const std::vector<FsOptions>& file_systems() {
  static const std::vector<FsOptions> all{
      {.type = FsType::kXfs},
      {.type = FsType::kXfs, .rmapbt = false},
      {.type = FsType::kXfs, .reflink = false},
      {.type = FsType::kXfs, .rmapbt = false, .reflink = false},
      {.type = FsType::kExt4},
      {.type = FsType::kExt4, .data_journal = true},
  };
  return all;
}

std::vector<Cell> all_cells() {
  std::vector<Cell> cells;
  for (std::size_t fs = 0; fs < file_systems().size(); ++fs) {
    for (std::size_t write = 0; write < kWriteWords.size(); ++write) {
      for (std::size_t zero = 0; zero < kZeroWords.size(); ++zero) {
        for (const Row& row : rows()) {
          for (const Page page : {Page::kCold, Page::kCached, Page::kDirty}) {
            cells.push_back({fs, write, zero, row.owned, page});
          }
        }
      }
    }
  }
  std::erase_if(cells, [](const Cell& cell) { return !exists(cell); });
  return cells;
}

// A Latin square: each world of file system and medium gets every third owner, and pages in turn. Few file systems can
// share extents, so that owner is in all of their worlds.
std::vector<Cell> covering_cells() {
  std::vector<Cell> cells = all_cells();
  std::erase_if(cells, [](const Cell& cell) {
    const auto owned = static_cast<std::size_t>(cell.owned);
    const auto page = static_cast<std::size_t>(cell.page);
    const bool shared = cell.owned == Owned::kShared;
    const bool world = cell.write == (cell.fs + cell.zero) % kWriteWords.size();
    const bool in_turn = (cell.fs + cell.zero + owned) % 3 == 0;
    const std::size_t turn = shared ? cell.fs + cell.zero : cell.fs + owned / 3;
    return !world || !(in_turn || shared) || (has_page(cell.owned) && page != turn % 3);
  });
  return cells;
}

Expected expected_of(const Cell& cell) {
  const FsOptions& fs = file_systems().at(cell.fs);
  if (fs.data_journal && cell.owned != Owned::kMetadata) {
    return refused("journals file contents (data=journal)");
  }
  if (fs.type == FsType::kXfs && !fs.rmapbt && cell.owned == Owned::kMetadata) {
    return refused("the owner is not known");
  }
  return row_of(cell.owned).pages.at(static_cast<std::size_t>(cell.page));
}

bool heals(const Cell& cell, Method method) {
  const bool by_zeroing = method == Method::kFrozenWrite && kZeroWords.at(cell.zero) == "clear";
  return kWriteWords.at(cell.write) == "clear" || by_zeroing;
}

std::string name_of(const Cell& cell) {
  static const std::array<const char*, 3> kPages = {"cold", "cached", "dirty"};
  return std::string(row_of(cell.owned).name) + "-" + kPages.at(static_cast<std::size_t>(cell.page));
}

}  // namespace pmend::world
