// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/glob_set.hpp"

#include "pmend/policy/glob.hpp"

#include <re2/re2.h>
#include <re2/set.h>

#include <cstddef>
#include <utility>

namespace pmend {
namespace {

// The most that matching may use; it is taken only as far as needed, and 10,000 globs need less.
constexpr std::int64_t kMemoryLimit = 64LL << 20;

RE2::Options options_for_bytes() {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_max_mem(kMemoryLimit);
  return options;
}

}  // namespace

struct GlobSet::Compiled {
  std::vector<std::string> globs;  // by the number that RE2 gives them
  std::unique_ptr<RE2::Set> set;   // none without globs: RE2 does not match against nothing
};

GlobSet::GlobSet(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
GlobSet::GlobSet(GlobSet&&) noexcept = default;
GlobSet& GlobSet::operator=(GlobSet&&) noexcept = default;
GlobSet::~GlobSet() = default;

std::optional<GlobSet> GlobSet::compile(const std::set<std::string>& globs) {
  auto compiled = std::make_unique<Compiled>();
  if (globs.empty()) {
    return GlobSet(std::move(compiled));
  }
  compiled->set = std::make_unique<RE2::Set>(options_for_bytes(), RE2::ANCHOR_BOTH);
  for (const std::string& glob : globs) {
    const auto regex = glob_to_regex(glob);
    if (!regex || compiled->set->Add(*regex, nullptr) < 0) {
      return std::nullopt;
    }
    compiled->globs.push_back(glob);
  }
  if (!compiled->set->Compile()) {
    return std::nullopt;
  }
  return GlobSet(std::move(compiled));
}

std::optional<std::set<std::string_view>> GlobSet::match(std::string_view text) const {
  std::set<std::string_view> matched;
  if (!compiled_->set) {
    return matched;
  }
  std::vector<int> numbers;
  RE2::Set::ErrorInfo error{};
  if (!compiled_->set->Match(re2::StringPiece(text.data(), text.size()), &numbers, &error) &&
      error.kind != RE2::Set::kNoError) {
    return std::nullopt;
  }
  for (const int number : numbers) {
    matched.insert(compiled_->globs[static_cast<std::size_t>(number)]);
  }
  return matched;
}

}  // namespace pmend
