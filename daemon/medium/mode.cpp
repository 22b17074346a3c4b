// SPDX-License-Identifier: Apache-2.0
#include "medium/mode.hpp"

#include "medium/words.hpp"
#include "pmend/base/text.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

namespace pmend::medium {
namespace {

template <class Value>
struct Word {
  std::string_view text;
  Value value;
};

constexpr std::array<Word<OnRead>, 3> kReadWords{
    {{"eio", OnRead::kEio}, {"short", OnRead::kShort}, {"ok", OnRead::kOk}}};
constexpr std::array<Word<OnChange>, 3> kWriteWords{
    {{"eio", OnChange::kEio}, {"clear", OnChange::kClear}, {"lie", OnChange::kLie}}};
constexpr std::array<Word<OnChange>, 4> kZeroWords{
    {{"clear", OnChange::kClear}, {"eio", OnChange::kEio}, {"nosupp", OnChange::kNoSupport}, {"lie", OnChange::kLie}}};
constexpr std::array<Word<ListForm>, 2> kListWords{{{"sysfs", ListForm::kSysfs}, {"full", ListForm::kFull}}};
constexpr std::array<Word<std::uint64_t>, 2> kListUnitWords{{{"1", 1}, {"8", 8}}};
constexpr std::array<Word<bool>, 2> kFlagWords{{{"0", false}, {"1", true}}};

constexpr std::uint64_t kLongestRecurrence = 86400;  // seconds
constexpr std::uint64_t kLongestDelay = 600'000;     // milliseconds

struct Key {
  std::string_view name;
  bool (*set)(Mode& mode, std::string_view value);
  std::string_view (*word)(const Mode& mode);  // of a key with named values, else nullptr
  std::uint64_t (*number)(const Mode& mode);   // of a key with a number, else nullptr
};

// A key whose value is one of `Words`.
template <auto Member, const auto& Words>
constexpr Key choice(std::string_view name) {
  return {name,
          [](Mode& mode, std::string_view value) {
            const auto word = std::ranges::find(Words, value, [](const auto& w) { return w.text; });
            if (word == Words.end()) {
              return false;
            }
            mode.*Member = word->value;
            return true;
          },
          [](const Mode& mode) {
            return std::ranges::find(Words, mode.*Member, [](const auto& w) { return w.value; })->text;
          },
          nullptr};
}

// A key whose value is a time of 0 to `Most` units.
template <auto Member, std::uint64_t Most>
constexpr Key duration(std::string_view name) {
  return {name,
          [](Mode& mode, std::string_view value) {
            using Duration = std::remove_reference_t<decltype(mode.*Member)>;
            const auto number = parse_u64(value);
            if (!number || *number > Most) {
              return false;
            }
            mode.*Member = Duration(static_cast<typename Duration::rep>(*number));
            return true;
          },
          nullptr, [](const Mode& mode) { return static_cast<std::uint64_t>((mode.*Member).count()); }};
}

constexpr std::array kKeys{
    choice<&Mode::read, kReadWords>("read"),
    choice<&Mode::write, kWriteWords>("write"),
    choice<&Mode::zero, kZeroWords>("zero"),
    choice<&Mode::discard, kZeroWords>("discard"),
    choice<&Mode::list, kListWords>("list"),
    choice<&Mode::list_unit, kListUnitWords>("list-unit"),
    duration<&Mode::recur, kLongestRecurrence>("recur"),
    choice<&Mode::scramble, kFlagWords>("scramble"),
    duration<&Mode::delay_read, kLongestDelay>("delay-read"),
    duration<&Mode::delay_write, kLongestDelay>("delay-write"),
    duration<&Mode::delay_zero, kLongestDelay>("delay-zero"),
    choice<&Mode::silent, kFlagWords>("silent"),
};

Status apply_word(Mode& mode, std::string_view word) {
  const std::size_t equals = std::min(word.find('='), word.size());
  const auto key = std::ranges::find(kKeys, word.substr(0, equals), &Key::name);
  if (equals == word.size() || key == kKeys.end() || !key->set(mode, word.substr(equals + 1))) {
    return fail(Errc::kInvalid, "mode '" + escape_bytes(word.substr(0, 64)) + "'");
  }
  return {};
}

}  // namespace

std::chrono::milliseconds Mode::delay(Operation operation) const {
  switch (operation) {
    case Operation::kRead:
      return delay_read;
    case Operation::kWrite:
      return delay_write;
    case Operation::kZero:
    case Operation::kDiscard:
      return delay_zero;
  }
  return {};
}

OnChange Mode::on_change(Operation operation) const {
  switch (operation) {
    case Operation::kZero:
      return zero;
    case Operation::kDiscard:
      return discard;
    case Operation::kRead:
    case Operation::kWrite:
      break;
  }
  return write;
}

Result<Mode> parse_mode(const Mode& current, std::string_view words) {
  const auto list = split_words(words);
  if (list.empty()) {
    return fail(Errc::kInvalid, "no mode given");
  }
  Mode next = current;
  for (const std::string_view word : list) {
    if (const auto applied = apply_word(next, word); !applied) {
      return tl::make_unexpected(applied.error());
    }
  }
  return next;
}

std::string to_string(const Mode& mode) {
  std::string line;
  for (const Key& key : kKeys) {
    line += line.empty() ? "" : " ";
    line += key.name;
    line += '=';
    line += key.word != nullptr ? std::string(key.word(mode)) : std::to_string(key.number(mode));
  }
  return line;
}

}  // namespace pmend::medium
