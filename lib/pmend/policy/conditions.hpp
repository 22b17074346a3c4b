// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/enum_names.hpp"
#include "pmend/model/json.hpp"
#include "pmend/model/owner.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

// The `when` of a rule as values. A key that takes texts, numbers or flags is one enumerator and one line in a table;
// nothing else has to know the keys one by one but subject.cpp, which says what a key's value is.
namespace pmend {

// Keys whose values are globs. A slash in the name is an object around it.
enum class TextKey {
  kDevice,
  kFilesystemType,
  kFilesystemUuid,
  kFilesystemLabel,
  kMountPoint,
  kPath,
  kOpenBy,
  kSource,
  kXattr,
};
inline constexpr std::array kTextKeyNames = {EnumName{TextKey::kDevice, "device"},
                                             EnumName{TextKey::kFilesystemType, "filesystem/type"},
                                             EnumName{TextKey::kFilesystemUuid, "filesystem/uuid"},
                                             EnumName{TextKey::kFilesystemLabel, "filesystem/label"},
                                             EnumName{TextKey::kMountPoint, "mount_point"},
                                             EnumName{TextKey::kPath, "path"},
                                             EnumName{TextKey::kOpenBy, "open_by"},
                                             EnumName{TextKey::kSource, "source"},
                                             EnumName{TextKey::kXattr, "xattr"}};
constexpr std::span<const EnumName<TextKey>> enum_names(TextKey) {
  return kTextKeyNames;
}

enum class NumberKey { kUid, kGid, kFileSize, kBytesBad, kBytesLost };
inline constexpr std::array kNumberKeyNames = {
    EnumName{NumberKey::kUid, "uid"}, EnumName{NumberKey::kGid, "gid"}, EnumName{NumberKey::kFileSize, "file_size"},
    EnumName{NumberKey::kBytesBad, "bytes_bad"}, EnumName{NumberKey::kBytesLost, "bytes_lost"}};
constexpr std::span<const EnumName<NumberKey>> enum_names(NumberKey) {
  return kNumberKeyNames;
}

enum class FlagKey { kShared, kMapped, kRecurrence, kPhantom };
inline constexpr std::array kFlagKeyNames = {EnumName{FlagKey::kShared, "shared"}, EnumName{FlagKey::kMapped, "mapped"},
                                             EnumName{FlagKey::kRecurrence, "recurrence"},
                                             EnumName{FlagKey::kPhantom, "phantom"}};
constexpr std::span<const EnumName<FlagKey>> enum_names(FlagKey) {
  return kFlagKeyNames;
}

enum class Weekday { kSunday, kMonday, kTuesday, kWednesday, kThursday, kFriday, kSaturday };
inline constexpr std::array kWeekdayNames = {EnumName{Weekday::kSunday, "sun"},   EnumName{Weekday::kMonday, "mon"},
                                             EnumName{Weekday::kTuesday, "tue"},  EnumName{Weekday::kWednesday, "wed"},
                                             EnumName{Weekday::kThursday, "thu"}, EnumName{Weekday::kFriday, "fri"},
                                             EnumName{Weekday::kSaturday, "sat"}};
constexpr std::span<const EnumName<Weekday>> enum_names(Weekday) {
  return kWeekdayNames;
}
inline constexpr std::uint16_t kMinutesPerDay = 24 * 60;

// Any of `globs`, which are sorted.
struct TextCondition {
  TextKey key = TextKey::kPath;
  std::vector<std::string> globs;
};

// Both ends belong to it.
struct NumberRange {
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();

  friend auto operator<=>(const NumberRange&, const NumberRange&) = default;
};
struct NumberCondition {
  NumberKey key = NumberKey::kBytesLost;
  std::vector<NumberRange> ranges;  // any of them, sorted
};

struct FlagCondition {
  FlagKey key = FlagKey::kShared;
  bool wanted = false;
};

// Local time from `from` until just before `to`, minutes after midnight. Where `to` is not later than `from` it ends on
// the next day; `days` are those on which it begins.
struct TimeSpan {
  std::vector<Weekday> days;  // sorted
  std::uint16_t from = 0;
  std::uint16_t to = kMinutesPerDay;

  friend auto operator<=>(const TimeSpan&, const TimeSpan&) = default;
};

// All of it must match.
struct When {
  std::vector<TextCondition> texts;
  std::vector<NumberCondition> numbers;
  std::vector<FlagCondition> flags;
  std::vector<OwnerKind> owners;  // any of them, sorted; empty: does not matter
  std::vector<TimeSpan> times;    // any of them, sorted; empty: does not matter
  std::vector<When> any;          // at least one of them; empty: does not matter
  std::vector<When> negated;      // none or one: must not match

  bool empty() const;
};

// Calls `visit` with `when` and every one inside it.
template <class Visit>
void visit_each(const When& when, const Visit& visit) {
  visit(when);
  for (const When& inner : when.any) {
    visit_each(inner, visit);
  }
  for (const When& inner : when.negated) {
    visit_each(inner, visit);
  }
}

// "06:30"
std::string to_clock_text(std::uint16_t minutes);

// The same in the form of the policy file, sorted and complete: what means the same mostly has the same text.
Json to_json(const When& when);

}  // namespace pmend
