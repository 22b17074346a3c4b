// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/glob.hpp"

#include <bitset>
#include <cstddef>
#include <optional>

namespace pmend {
namespace {

constexpr std::string_view kEscapable = "\\*?[]{}!^-";
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string regex_byte(unsigned char byte) {
  std::string out = "\\x";
  out += kHexDigits[byte >> 4U];
  out += kHexDigits[byte & 0xFU];
  return out;
}

// One byte as it is, whatever it means in a regular expression.
std::string regex_literal(unsigned char byte) {
  const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                     byte == '/' || byte == '_';
  return plain ? std::string(1, static_cast<char>(byte)) : regex_byte(byte);
}

using ByteSet = std::bitset<256>;

std::string regex_class(const ByteSet& bytes) {
  std::string out = "[";
  for (std::size_t first = 0; first < bytes.size(); ++first) {
    if (!bytes[first]) {
      continue;
    }
    std::size_t last = first;
    while (last + 1 < bytes.size() && bytes[last + 1]) {
      ++last;
    }
    out += regex_byte(static_cast<unsigned char>(first)) + "-" + regex_byte(static_cast<unsigned char>(last));
    first = last;
  }
  return out + "]";
}

std::optional<unsigned char> hex_value(char digit) {
  const char lower = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
  const std::size_t value = kHexDigits.find(lower);
  return value == std::string_view::npos ? std::nullopt : std::optional(static_cast<unsigned char>(value));
}

// Translates from left to right; stops at the first thing that is wrong.
class Translator {
 public:
  explicit Translator(std::string_view glob) : glob_(glob) {}

  Result<std::string> translate() {
    while (at_ < glob_.size()) {
      if (auto status = translate_next(); !status) {
        return tl::make_unexpected(std::move(status.error()));
      }
    }
    return std::move(regex_);
  }

 private:
  bool at_component_start() const { return at_ == 0 || glob_[at_ - 1] == '/'; }
  std::string_view rest() const { return glob_.substr(at_); }

  Status translate_next() {
    switch (glob_[at_]) {
      case '*':
        return rest().starts_with("**") ? translate_any_components() : translate_any_bytes();
      case '?':
        ++at_;
        regex_ += "[^/]";
        return {};
      case '[':
        return translate_class();
      case '{':
      case '}':
        return fail(Errc::kInvalid, "braces are not alternatives here, expected a list of globs, or \\{ for the byte");
      case ']':
        return fail(Errc::kInvalid, "\"]\" without \"[\", expected \\] for the byte");
      default:
        return translate_literal();
    }
  }

  Status translate_any_bytes() {
    ++at_;
    regex_ += "[^/]*";
    return {};
  }

  Status translate_any_components() {
    const bool from_start = at_component_start();
    const bool alone = at_ == 0;
    at_ += 2;
    const bool at_end = at_ == glob_.size();
    if (!from_start || !(at_end || glob_[at_] == '/')) {
      return fail(Errc::kInvalid, "\"**\" beside other bytes, expected it alone between slashes");
    }
    if (at_end) {
      regex_ += alone ? "(?s:.*)" : "(?s:.+)";
    } else {
      ++at_;  // the slash belongs to the components, of which there may be none
      regex_ += "(?s:(?:.*/)?)";
    }
    return {};
  }

  Status translate_literal() {
    const auto byte = next_byte();
    if (!byte) {
      return tl::make_unexpected(byte.error());
    }
    regex_ += regex_literal(*byte);
    return {};
  }

  // The byte here, or what a backslash here stands for.
  Result<unsigned char> next_byte() {
    const char first = glob_[at_++];
    if (first != '\\') {
      return static_cast<unsigned char>(first);
    }
    if (at_ == glob_.size()) {
      return fail(Errc::kInvalid, "a backslash at the end, expected \\\\ for the byte");
    }
    const char second = glob_[at_++];
    if (second == 'x') {
      return hex_byte();
    }
    if (kEscapable.find(second) == std::string_view::npos) {
      return fail(Errc::kInvalid, "an unknown escape, expected a backslash before one of \\*?[]{}!^- or \\xNN");
    }
    return static_cast<unsigned char>(second);
  }

  Result<unsigned char> hex_byte() {
    const auto high = at_ + 2 <= glob_.size() ? hex_value(glob_[at_]) : std::nullopt;
    const auto low = at_ + 2 <= glob_.size() ? hex_value(glob_[at_ + 1]) : std::nullopt;
    if (!high || !low) {
      return fail(Errc::kInvalid, "\\x without a number, expected two hex digits after it");
    }
    at_ += 2;
    const auto byte = static_cast<unsigned char>((*high << 4U) | *low);
    if (byte == 0 || byte == '/') {
      return fail(Errc::kInvalid, "\\x00 or \\x2f, which no name holds");
    }
    return byte;
  }

  Status translate_class() {
    ++at_;
    const bool negated = rest().starts_with('!') || rest().starts_with('^');
    at_ += negated ? 1 : 0;
    auto bytes = class_bytes();
    if (!bytes) {
      return tl::make_unexpected(std::move(bytes.error()));
    }
    if (negated) {
      bytes->flip();
    }
    bytes->reset('/');
    regex_ += regex_class(*bytes);
    return {};
  }

  // What stands between the brackets; a "]" that comes first is itself.
  Result<ByteSet> class_bytes() {
    ByteSet bytes;
    for (bool first = true; at_ < glob_.size(); first = false) {
      if (glob_[at_] == ']' && !first) {
        ++at_;
        return bytes;
      }
      const auto low = class_byte();
      if (!low) {
        return tl::make_unexpected(low.error());
      }
      auto high = low;
      if (rest().size() >= 2 && rest()[0] == '-' && rest()[1] != ']') {
        ++at_;
        high = class_byte();
      }
      if (!high) {
        return tl::make_unexpected(high.error());
      }
      if (*high < *low) {
        return fail(Errc::kInvalid, "a range in \"[\" that ends before it begins");
      }
      for (std::size_t byte = *low; byte <= *high; ++byte) {
        bytes.set(byte);
      }
    }
    return fail(Errc::kInvalid, "\"[\" without its \"]\", expected \\[ for the byte");
  }

  Result<unsigned char> class_byte() {
    const auto raw = static_cast<unsigned char>(glob_[at_]);
    if (raw == '/') {
      return fail(Errc::kInvalid, "a slash inside \"[\", which never matches one");
    }
    if (raw >= 0x80) {
      return fail(Errc::kInvalid,
                  "a letter outside ASCII inside \"[\", which is for single bytes; expected a list of globs");
    }
    return next_byte();
  }

  std::string_view glob_;
  std::size_t at_ = 0;
  std::string regex_;
};

}  // namespace

Result<std::string> glob_to_regex(std::string_view glob) {
  return Translator(glob).translate();
}

bool is_absolute_glob(std::string_view glob) {
  if (glob == "/") {
    return true;
  }
  if (!glob.starts_with('/') && !glob.starts_with("**")) {
    return false;
  }
  glob.remove_prefix(glob.starts_with('/') ? 1 : 0);
  for (;;) {
    const std::size_t slash = glob.find('/');
    const std::string_view component = glob.substr(0, slash);
    if (component.empty() || component == "." || component == "..") {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    glob.remove_prefix(slash + 1);
  }
}

}  // namespace pmend
