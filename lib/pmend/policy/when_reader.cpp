// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/when_reader.hpp"

#include "pmend/model/document.hpp"
#include "pmend/policy/glob.hpp"
#include "pmend/policy/value_reader.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pmend {
namespace {

constexpr std::size_t kLongestGlob = 4096;
constexpr std::uint64_t kMostId = 4294967294;  // the largest uid and gid; the number after it means none
constexpr std::string_view kPrefix = "filesystem/";

template <class T>
void sort_unique(std::vector<T>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

bool is_of_path(TextKey key) {
  return key == TextKey::kDevice || key == TextKey::kMountPoint || key == TextKey::kPath;
}

// Attribute names that nobody but root can set.
bool is_privileged_xattr(std::string_view glob) {
  constexpr std::array kPrefixes = {std::string_view("trusted."), std::string_view("security."),
                                    std::string_view("system.")};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return glob.starts_with(prefix); });
}

// Reads one `when` and what is inside it. `weakens` is true where a condition that holds makes the decision less
// careful: in a repair rule, and turned round by each `not`.
class WhenReader {
 public:
  explicit WhenReader(bool weakens) : weakens_(weakens) {}

  When read(const JsonReader& in) const {
    When when;
    JsonObjectReader object(in);
    read_texts(object, when);
    read_filesystem(object, when);
    read_numbers(object, when);
    read_flags(object, when);
    if (const auto owner = object.optional("owner")) {
      when.owners =
          one_or_more<OwnerKind>(*owner, [](const JsonReader& element) { return element.enumeration<OwnerKind>(); });
      sort_unique(when.owners);
    }
    if (const auto time = object.optional("time")) {
      when.times = one_or_more<TimeSpan>(*time, read_time_span);
      sort_unique(when.times);
    }
    read_composites(object, when);
    object.finish();
    return when;
  }

 private:
  void read_texts(JsonObjectReader& object, When& when) const {
    for (const auto& [key, name] : kTextKeyNames) {
      if (!name.starts_with(kPrefix)) {
        read_text(object, key, name, when);
      }
    }
  }

  void read_filesystem(JsonObjectReader& object, When& when) const {
    const auto filesystem = object.optional("filesystem");
    if (!filesystem) {
      return;
    }
    JsonObjectReader members(*filesystem);
    for (const auto& [key, name] : kTextKeyNames) {
      if (name.starts_with(kPrefix)) {
        read_text(members, key, name.substr(kPrefix.size()), when);
      }
    }
    if (filesystem->is_object() && members.keys().empty()) {
      filesystem->problem("got an empty object, expected \"type\", \"uuid\" or \"label\"");
    }
    members.finish();
  }

  void read_text(JsonObjectReader& object, TextKey key, std::string_view name, When& when) const {
    const auto member = object.optional(name);
    if (!member) {
      return;
    }
    TextCondition condition{
        key, one_or_more<std::string>(*member, [&](const JsonReader& element) { return read_glob(element, key); })};
    sort_unique(condition.globs);
    when.texts.push_back(std::move(condition));
  }

  std::string read_glob(const JsonReader& in, TextKey key) const {
    const auto glob = read_string(in);
    if (!glob) {
      return {};
    }
    if (glob->empty() || glob->size() > kLongestGlob) {
      in.expected("a glob of 1 to " + std::to_string(kLongestGlob) + " bytes");
    } else if (const auto regex = glob_to_regex(*glob); !regex) {
      in.problem("is no glob: " + regex.error().what);
    } else if (is_of_path(key) && !is_absolute_glob(*glob)) {
      in.expected("an absolute path or glob (starts with / or **, no //, /./ or /../, no / at the end)");
    } else if (key == TextKey::kXattr && weakens_ && !is_privileged_xattr(*glob)) {
      in.expected(
          "a name in trusted., security. or system. here: others are set by users, and theirs may make a "
          "decision more careful, never less");
    }
    return *glob;
  }

  void read_numbers(JsonObjectReader& object, When& when) const {
    for (const auto& [key, name] : kNumberKeyNames) {
      if (const auto member = object.optional(name)) {
        const bool is_id = key == NumberKey::kUid || key == NumberKey::kGid;
        const std::uint64_t most = is_id ? kMostId : NumberRange().max;
        NumberCondition condition{
            key, one_or_more<NumberRange>(*member, [&](const JsonReader& in) { return read_number_range(in, most); })};
        sort_unique(condition.ranges);
        when.numbers.push_back(std::move(condition));
      }
    }
  }

  static void read_flags(JsonObjectReader& object, When& when) {
    for (const auto& [key, name] : kFlagKeyNames) {
      if (const auto member = object.optional(name)) {
        when.flags.push_back({key, member->boolean()});
      }
    }
  }

  void read_composites(JsonObjectReader& object, When& when) const {
    if (const auto any = object.optional("any")) {
      for (const JsonReader& alternative : any->array()) {
        when.any.push_back(read_inner(alternative, weakens_));
      }
      if (any->is_array() && when.any.empty()) {
        any->problem("got an empty array, expected at least one condition");
      }
    }
    if (const auto negated = object.optional("not")) {
      when.negated.push_back(read_inner(*negated, !weakens_));
    }
  }

  // An empty one would be true of everything, which inside `any` or `not` is never meant.
  static When read_inner(const JsonReader& in, bool weakens) {
    When when = WhenReader(weakens).read(in);
    if (in.is_object() && JsonObjectReader(in).keys().empty()) {
      in.problem("got an empty object, expected at least one condition");
    }
    return when;
  }

  bool weakens_;
};

}  // namespace

When read_when(const JsonReader& in, Action action) {
  return WhenReader(action == Action::kRepair).read(in);
}

}  // namespace pmend
