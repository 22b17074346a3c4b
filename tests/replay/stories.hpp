// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace pmend::engine {

// What a file of this folder tells: the inputs of one life of pmend, and what the engine said to each.
struct Story {
  std::string name;  // of the file, without ".jsonl"
  std::string transcript;
};

// All of them, told anew by the engine as it is now. Each checks that it ends as it should.
std::vector<Story> tell_stories();

}  // namespace pmend::engine
