// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the users of a file do to it while it is being repaired, and what must be in it then.
namespace pmend::world {

// Each victim: 16 pages, in one of them a sector that is poisoned.
inline constexpr std::uint64_t kVictimPage = 4096;
inline constexpr std::uint64_t kVictimPages = 16;
inline constexpr std::uint64_t kVictimBytes = kVictimPages * kVictimPage;
inline constexpr ByteRange kVictimBad = {9 * kVictimPage + 1024, 512};

// Nothing for a byte that may be anything.
using ExpectedBytes = std::vector<std::optional<std::byte>>;

struct Mutation {
  const char* name;
  // In a process of its own: it may wait for the repair's lease, or die of the bad page, or get EIO for it.
  void (*change)(const std::string& path);
  bool frees;  // the bad block, so that it belongs to no file afterwards
  // What it does to the expected content.
  void (*expect)(ExpectedBytes& bytes);
};

const std::vector<Mutation>& mutations();

// The boundaries out of 1..last at which the nth of the mutations is tried: every third, so that any three of them
// together visit all; with PMEND_LONG each visits all.
std::vector<int> boundaries_of(std::size_t nth, int last);

// A process that changes the file. Killed with the test.
class Change {
 public:
  // Starts it and gives it a moment: it is done, or it waits for the repair.
  Change(const Mutation& mutation, const std::string& path);
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change();

  // Waits for its end. False if it died of the bad page or got EIO, and so changed nothing; throws Failure if it
  // failed.
  bool done();

 private:
  std::string name_;
  pid_t pid_;
};

// Compares the bytes of a file with what it must hold, gtest's way; a page with bytes that may be anything may fail to
// be read.
void expect_content(const std::string& path, const ExpectedBytes& expected);

}  // namespace pmend::world
