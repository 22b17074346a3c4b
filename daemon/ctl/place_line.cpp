// SPDX-License-Identifier: Apache-2.0
#include "ctl/place_line.hpp"

#include "pmend/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

namespace pmend::ctl {
namespace {

constexpr std::string_view kBlanks = " \t\r";
// Printed by blk_print_req_error() of the kernel's block layer behind "I/O", "critical medium" and so on; the sector
// counts from the start of the whole disk, in 512 bytes, and is the first of the request that failed.
constexpr std::string_view kDevice = " error, dev ";
constexpr std::string_view kSector = ", sector ";
constexpr std::size_t kLongestQuote = 60;

tl::unexpected<std::string> bad_line(std::string why) {
  return tl::make_unexpected(std::move(why));
}

std::string quoted(std::string_view text) {
  const std::string head = escape_bytes(text.substr(0, kLongestQuote));
  return "'" + head + (text.size() > kLongestQuote ? "…'" : "'");
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

// ddrescue writes its numbers with 0x.
std::optional<std::uint64_t> number_of(std::string_view word) {
  if (!word.starts_with("0x") && !word.starts_with("0X")) {
    const auto number = parse_u64(word);
    return number ? std::optional(*number) : std::nullopt;
  }
  word.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
  return error == std::errc() && end == word.data() + word.size() ? std::optional(value) : std::nullopt;
}

bool looks_like_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789xXabcdefABCDEF") == std::string_view::npos &&
         word.front() >= '0' && word.front() <= '9';
}

PlaceLine place_of(const std::string& device, std::uint64_t first, std::uint64_t count, std::uint64_t unit) {
  if (device.empty()) {
    return bad_line("names no device, and none is given on the command line");
  }
  if (count == 0) {
    return bad_line("the length is 0");
  }
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  const auto range = first > kMost / unit || count > kMost / unit ? fail(Errc::kInvalid, "the number is too large")
                                                                  : make_byte_range(first * unit, count * unit);
  if (!range) {
    return bad_line(range.error().what);
  }
  return DeviceRange{device, *range};
}

// The device may have blanks in its name, so what stands before the two last words.
PlaceLine device_line(std::string_view line, const std::vector<std::string_view>& words) {
  if (words.size() < 3) {
    return bad_line("expected DEVICE OFFSET LENGTH, got " + quoted(line));
  }
  const std::string_view offset = words[words.size() - 2];
  const auto first = number_of(offset);
  const auto count = number_of(words.back());
  if (!first || !count) {
    return bad_line(quoted(first ? words.back() : offset) + " is not a number of bytes");
  }
  const auto head = static_cast<std::size_t>(offset.data() - line.data());
  return place_of(std::string(trimmed(line.substr(0, head))), *first, *count, 1);
}

bool is_status(std::string_view word) {
  return word.size() == 1 && std::string_view("?*/-+FG").find(word.front()) != std::string_view::npos;
}

PlaceLine mapfile_line(const std::vector<std::string_view>& words, const LineDefaults& defaults) {
  const auto first = number_of(words[0]);
  const auto count = number_of(words[1]);
  if (!first || !count) {
    return bad_line(quoted(first ? words[1] : words[0]) + " is not a number of bytes");
  }
  return words[2] == "-" ? place_of(defaults.device, *first, *count, 1) : PlaceLine();
}

PlaceLine number_line(const std::vector<std::string_view>& words, const LineDefaults& defaults) {
  const auto first = number_of(words[0]);
  const auto count = words.size() == 2 ? number_of(words[1]) : std::optional<std::uint64_t>(1);
  if (!first || !count) {
    return bad_line(quoted(first ? words.back() : words[0]) + " is not a number that fits");
  }
  if (words.size() == 2) {
    return place_of(defaults.device, *first, *count, kSectorBytes);
  }
  if (defaults.block_size == 0) {
    return bad_line("the number of a block says nothing without --block-size");
  }
  return place_of(defaults.device, *first, 1, defaults.block_size);
}

// Nothing if the line is not the report of an error of a device.
std::optional<PlaceLine> kernel_error_line(std::string_view line) {
  const std::size_t device = line.find(kDevice);
  if (device == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view rest = line.substr(device + kDevice.size());
  const std::size_t sector = rest.find(kSector);
  std::string name(rest.substr(0, std::min(sector, rest.size())));
  if (sector == std::string_view::npos || name.empty() || name.find_first_of("/ \t,") != std::string::npos) {
    return std::nullopt;
  }
  rest.remove_prefix(sector + kSector.size());
  const std::string_view digits = rest.substr(0, std::min(rest.find_first_not_of("0123456789"), rest.size()));
  const auto number = parse_u64(digits);
  if (!number) {
    return bad_line(quoted(digits) + " is not a sector");
  }
  std::ranges::replace(name, '!', '/');  // as the kernel writes names with a slash
  return place_of("/dev/" + name, *number, 1, kSectorBytes);
}

// "[  12.5] …", "<3>[12.5] …", "6,1234,…;…" of /dev/kmsg, "Nov 28 12:00:00 host kernel: …", "kernel: …"
bool is_of_a_log(std::string_view line) {
  return line.starts_with('[') || line.starts_with('<') || line.find("kernel: ") != std::string_view::npos ||
         (line.find(';') != std::string_view::npos && looks_like_number(line.substr(0, line.find(','))));
}

}  // namespace

PlaceLine parse_place_line(std::string_view line, const LineDefaults& defaults) {
  if (line.find('\0') != std::string_view::npos) {
    return bad_line("holds a NUL byte");
  }
  if (!is_utf8(line)) {
    return bad_line("is not UTF-8");
  }
  line = trimmed(line);
  if (line.empty() || line.starts_with('#')) {
    return PlaceLine();
  }
  const std::vector<std::string_view> words = words_of(line);
  if (line.starts_with('/')) {
    return device_line(line, words);
  }
  if (const auto error = kernel_error_line(line)) {
    return *error;
  }
  if (is_of_a_log(line)) {
    return PlaceLine();
  }
  if (words.size() == 3 && is_status(words[2]) && looks_like_number(words[1])) {
    return mapfile_line(words, defaults);
  }
  // Where ddrescue stopped: position, status and, since version 1.20, the pass.
  if (words.size() >= 2 && words.size() <= 3 && looks_like_number(words[0]) && is_status(words[1])) {
    return PlaceLine();
  }
  if (words.size() <= 2 && std::ranges::all_of(words, looks_like_number)) {
    return number_line(words, defaults);
  }
  return bad_line("names no place: " + quoted(line));
}

}  // namespace pmend::ctl
