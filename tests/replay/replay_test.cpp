// SPDX-License-Identifier: Apache-2.0
#include "../unit/engine/world.hpp"
#include "stories.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace pmend::engine {
namespace {

const std::filesystem::path kDir = PMEND_REPLAY_DIR;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The first line in which two texts differ, short enough to read.
std::string first_difference(const std::string& is, const std::string& expected) {
  std::istringstream a(is);
  std::istringstream b(expected);
  std::string line_a;
  std::string line_b;
  for (int number = 1;; ++number) {
    const bool more_a = static_cast<bool>(std::getline(a, line_a));
    const bool more_b = static_cast<bool>(std::getline(b, line_b));
    if (!more_a && !more_b) {
      return "";
    }
    if (more_a != more_b || line_a != line_b) {
      std::string text = "line " + std::to_string(number);
      return text.append("\n is       ").append(line_a).append("\n expected ").append(line_b);
    }
  }
}

// With PMEND_UPDATE_REPLAY=1 the files are written anew: look at what changed before you commit it.
TEST(Replay, EveryStoryIsToldAsItsFileHasIt) {
  std::set<std::string> names;
  for (const Story& story : tell_stories()) {
    const std::filesystem::path path = kDir / (story.name + ".jsonl");
    names.insert(path.filename());
    if (std::getenv("PMEND_UPDATE_REPLAY") != nullptr) {
      std::ofstream(path) << story.transcript;
    }
    EXPECT_EQ(first_difference(story.transcript, text_of(path)), "") << path;
  }
  for (const auto& entry : std::filesystem::directory_iterator(kDir)) {
    const bool is_story = entry.path().extension() == ".jsonl";
    EXPECT_TRUE(!is_story || names.contains(entry.path().filename())) << entry.path() << " is nobody's story";
  }
}

TEST(Replay, TheInputsOfAFileGiveTheCommandsOfTheFileByteForByte) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kDir)) {
    if (entry.path().extension() == ".jsonl") {
      const std::string text = text_of(entry.path());
      EXPECT_EQ(first_difference(replay(text), text), "") << entry.path();
      ++count;
    }
  }
  EXPECT_GE(count, 8);
}

}  // namespace
}  // namespace pmend::engine
