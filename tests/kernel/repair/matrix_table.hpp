// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/plan.hpp"
#include "support/file_system.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

// What must become of one bad sector: the whole matrix, as data.
namespace pmend::world {

// Whose the bad sector is. Nobody else uses any of the files unless it says so.
enum class Owned {
  kPlain,
  kInUse,       // a file that somebody has open for writing
  kShared,      // an extent of two files
  kTail,        // the last block of a file that does not fill it
  kCapability,  // a file with security.capability
  kRunning,     // a part of a running program
  kImmutable,
  kUnwritten,  // preallocated
  kFree,
  kMetadata,
};

// The page of the file that has it. Free space and metadata have none; they count as cold.
enum class Page { kCold, kCached, kDirty };

// The words of the medium's mode say how writes and zeroing of a bad sector end.
struct Cell {
  std::size_t fs = 0;     // of file_systems()
  std::size_t write = 0;  // of kWriteWords
  std::size_t zero = 0;   // of kZeroWords
  Owned owned = Owned::kPlain;
  Page page = Page::kCold;
};

// What pmend must plan, where all methods are allowed but `exchange`.
struct Expected {
  std::optional<Method> method;  // nothing: it must be refused
  bool loses = false;            // the bytes of the bad sector
  std::string refusal;           // a part of the reason
};

inline const std::vector<std::string> kWriteWords = {"eio", "clear"};
inline const std::vector<std::string> kZeroWords = {"clear", "eio", "nosupp"};
const std::vector<FsOptions>& file_systems();

// Every cell that there is: extents are shared only where the file system can, and no page is free space.
std::vector<Cell> all_cells();
// Some of them, so that each two values of different columns that meet anywhere meet here.
std::vector<Cell> covering_cells();

Expected expected_of(const Cell& cell);
// Whether the method works on this medium.
bool heals(const Cell& cell, Method method);

std::string name_of(const Cell& cell);

}  // namespace pmend::world
