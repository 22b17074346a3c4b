// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace pmend::world {

// What the demonstration tells, and whether it was true.
class Story {
 public:
  // Whom the next lines are about ("xfs").
  void turn_to(std::string subject) { subject_ = std::move(subject); }
  void chapter(const std::string& text) const;
  void tell(const std::string& text) const;
  // Tells a fact that has been looked at; a false one spoils the demonstration.
  void expect(bool is_true, const std::string& text);

  bool failed() const { return failed_; }
  int facts() const { return facts_; }

 private:
  std::string subject_;
  bool failed_ = false;
  int facts_ = 0;
};

}  // namespace pmend::world
