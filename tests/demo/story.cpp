// SPDX-License-Identifier: Apache-2.0
#include "demo/story.hpp"

#include <cstdio>

namespace pmend::world {

void Story::chapter(const std::string& text) const {
  std::printf("\n%-5s %s\n", subject_.c_str(), text.c_str());
}

void Story::tell(const std::string& text) const {
  std::printf("%-5s        %s\n", subject_.c_str(), text.c_str());
}

void Story::expect(bool is_true, const std::string& text) {
  std::printf("%-5s   %s %s\n", subject_.c_str(), is_true ? " ok " : "NOT ", text.c_str());
  failed_ = failed_ || !is_true;
  ++facts_;
}

}  // namespace pmend::world
