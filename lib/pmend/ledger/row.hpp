// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"

#include <cstddef>
#include <string>
#include <string_view>

// Values as the text of one column.
namespace pmend::ledger {

// An incident of a block with a great many names is some hundred KiB.
inline constexpr std::size_t kMaxRowBytes = 32U << 20U;

// Errors: kCorrupt.
template <class T>
Result<T> from_row(std::string_view text) {
  const auto json = parse_json_text(text, {.size_limit = kMaxRowBytes});
  if (!json) {
    return fail(Errc::kCorrupt, json.error().to_string());
  }
  auto value = from_json<T>(json->value);
  if (!value) {
    return fail(Errc::kCorrupt, value.error().what);
  }
  return value;
}

// Errors: kInvalid for a value too large to be read back.
template <class T>
Result<std::string> to_row(const T& value) {
  std::string text = to_json_text(to_json(value));
  if (text.size() > kMaxRowBytes) {
    return fail(Errc::kInvalid, "more than " + std::to_string(kMaxRowBytes) + " bytes");
  }
  return text;
}

}  // namespace pmend::ledger
