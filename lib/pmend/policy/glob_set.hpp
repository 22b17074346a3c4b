// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pmend {

// Many globs (glob.hpp) that are matched in one pass over a text, however many they are. Immutable; may be used by
// several threads.
class GlobSet {
 public:
  // `globs` are valid ones. Nothing if together they are too large to compile.
  static std::optional<GlobSet> compile(const std::set<std::string>& globs);

  GlobSet(GlobSet&&) noexcept;
  GlobSet& operator=(GlobSet&&) noexcept;
  GlobSet(const GlobSet&) = delete;
  GlobSet& operator=(const GlobSet&) = delete;
  ~GlobSet();

  // Those that match all of `text`; the views last as long as the set. Nothing if the matching ran out of its memory:
  // then nobody knows.
  std::optional<std::set<std::string_view>> match(std::string_view text) const;

 private:
  struct Compiled;
  explicit GlobSet(std::unique_ptr<const Compiled> compiled);

  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace pmend
