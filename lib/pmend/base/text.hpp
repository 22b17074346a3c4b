// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pmend {

// True for well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view bytes);

// Any bytes as one line of UTF-8 that a person can read and that cannot be mistaken: bytes that are not UTF-8 and
// control characters become \xNN, and a backslash becomes \\.
std::string escape_bytes(std::string_view bytes);

std::string to_base64(std::string_view bytes);
// Errors: kInvalid for anything that to_base64() does not print.
Result<std::string> from_base64(std::string_view text);

// Lower-case hex.
std::string to_hex(std::span<const std::byte> bytes);

// SHA-256 of the bytes as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

// True for what sha256_hex() prints.
bool is_sha256_hex(std::string_view text);

// A whole decimal number with nothing around it: no sign, no blank, no base prefix.
// Errors: kInvalid, also when it does not fit.
Result<std::uint64_t> parse_u64(std::string_view text);

}  // namespace pmend
