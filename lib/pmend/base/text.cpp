// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/text.hpp"

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <vector>

namespace pmend {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// The length of the well-formed UTF-8 sequence that `bytes` starts with, 0 if it does not start with one
// (Unicode 15, table 3-7).
std::size_t utf8_sequence(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) {
    return 1;
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(bytes[i])) {
      return 0;
    }
  }
  const bool overlong = (lead == 0xE0 && at(1) < 0xA0) || (lead == 0xF0 && at(1) < 0x90);
  const bool outside = (lead == 0xED && at(1) > 0x9F) || (lead == 0xF4 && at(1) > 0x8F);
  return overlong || outside ? 0 : length;
}

void append_escaped(std::string& out, char c) {
  const auto value = static_cast<unsigned char>(c);
  out += "\\x";
  out += kHexDigits[value >> 4U];
  out += kHexDigits[value & 0xFU];
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_sequence(bytes);
    if (length == 0) {
      return false;
    }
    bytes.remove_prefix(length);
  }
  return true;
}

std::string escape_bytes(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t length = utf8_sequence(bytes);
    if (bytes.front() == '\\') {
      out += "\\\\";
    } else if (length == 0 || is_control(bytes.front())) {
      append_escaped(out, bytes.front());
    } else {
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::vector<unsigned char> in(bytes.begin(), bytes.end());
  std::vector<unsigned char> out((in.size() + 2) / 3 * 4 + 1);
  const int length = EVP_EncodeBlock(out.data(), in.data(), static_cast<int>(in.size()));
  return {out.begin(), out.begin() + length};
}

Result<std::string> from_base64(std::string_view text) {
  std::vector<unsigned char> in(text.begin(), text.end());
  std::vector<unsigned char> out(in.size() / 4 * 3 + 3);
  const int length = EVP_DecodeBlock(out.data(), in.data(), static_cast<int>(in.size()));
  if (length < 0) {
    return fail(Errc::kInvalid, "not base64");
  }
  // EVP_DecodeBlock(3) counts the padding as zero bytes.
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
    ++padding;
  }
  std::string bytes(out.begin(), out.begin() + length - static_cast<std::ptrdiff_t>(padding));
  if (to_base64(bytes) != text) {
    return fail(Errc::kInvalid, "not base64");
  }
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    const auto value = std::to_integer<unsigned>(b);
    out += kHexDigits[value >> 4U];
    out += kHexDigits[value & 0xFU];
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<std::byte, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &length, EVP_sha256(),
             nullptr);
  return to_hex(std::span(digest).first(length));
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of(kHexDigits) == std::string_view::npos;
}

Result<std::uint64_t> parse_u64(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    return fail(Errc::kInvalid, "number '" + escape_bytes(text) + "' is too large");
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Errc::kInvalid, "'" + escape_bytes(text) + "' is not a whole number");
  }
  return value;
}

}  // namespace pmend
