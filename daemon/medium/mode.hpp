// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/request.hpp"
#include "pmend/base/error.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

// How the disk behaves: the content of the file `mode`, words "key=value". Pure: text to value and back.
namespace pmend::medium {

enum class OnRead {
  kEio,    // a read that touches poison fails
  kShort,  // it gives the bytes before the first poisoned sector, EIO if there are none
  kOk,     // it gives the (scrambled) content: a disk that does not report what it lost
};

// What a write, zero or discard does to poisoned sectors that it covers whole.
enum class OnChange {
  kClear,      // they are cured
  kEio,        // the request fails
  kLie,        // success is reported, they stay poisoned
  kNoSupport,  // EOPNOTSUPP always, poison or not (not for writes)
};

enum class ListForm {
  kSysfs,  // cut in mid-line at 4095 bytes as the kernel does
  kFull,
};

struct Mode {
  OnRead read = OnRead::kEio;
  OnChange write = OnChange::kEio;
  OnChange zero = OnChange::kClear;
  OnChange discard = OnChange::kClear;
  ListForm list = ListForm::kSysfs;
  std::uint64_t list_unit = 1;    // sectors; listed entries are rounded out to it
  std::chrono::seconds recur{0};  // cured poison comes back after this time; 0: never
  bool scramble = true;           // poisoning overwrites the content
  std::chrono::milliseconds delay_read{0};
  std::chrono::milliseconds delay_write{0};
  std::chrono::milliseconds delay_zero{0};  // of discards too
  bool silent = false;                      // a change of the list wakes no poller

  std::chrono::milliseconds delay(Operation operation) const;
  // `operation` is not a read.
  OnChange on_change(Operation operation) const;

  friend bool operator==(const Mode&, const Mode&) = default;
};

// `current` with the given words applied from left to right; keys that are not named stay.
// Errors: kInvalid for an unknown key or value and for no word at all.
Result<Mode> parse_mode(const Mode& current, std::string_view words);

// Every key with its value on one line that parse_mode() reads back.
std::string to_string(const Mode& mode);

}  // namespace pmend::medium
