// SPDX-License-Identifier: Apache-2.0
#include "ctl/text.hpp"

#include "pmend/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <ostream>
#include <span>

namespace pmend::ctl {
namespace {

// Runs of characters, in UTF-8, that terminals obey or that reorder what stands beside them. Each run differs in its
// last byte only.
struct Unsafe {
  std::string_view prefix;
  unsigned char first;
  unsigned char last;
};
constexpr std::array kUnsafe = {
    Unsafe{"\xC2", 0x80, 0x9F},      // C1 controls
    Unsafe{"\xD8", 0x9C, 0x9C},      // Arabic letter mark
    Unsafe{"\xE2\x80", 0x8E, 0x8F},  // left-to-right and right-to-left marks
    Unsafe{"\xE2\x80", 0xA8, 0xAE},  // line and paragraph separators, embeddings, overrides
    Unsafe{"\xE2\x81", 0xA6, 0xA9},  // isolates
    Unsafe{"\xEF\xBB", 0xBF, 0xBF},  // byte order mark
};

// How many bytes at the start of `text` make one character that is not shown as it is, 0 for a harmless one.
std::size_t unsafe_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x20 || byte(0) == 0x7F) {
    return 1;
  }
  for (const Unsafe& run : kUnsafe) {
    const std::size_t last = run.prefix.size();
    if (text.starts_with(run.prefix) && text.size() > last && byte(last) >= run.first && byte(last) <= run.last) {
      return last + 1;
    }
  }
  return 0;
}

std::size_t width(std::string_view text) {
  const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

void print_row(std::ostream& out, const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
               const std::vector<std::string>& row) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string pad(widths[i] - width(row[i]), ' ');
    line += (i == 0 ? "" : "  ") + (columns[i].set == Column::Set::kRight ? pad + row[i] : row[i] + pad);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

std::string file_text(const Owner& owner) {
  if (owner.paths.empty()) {
    const std::string inode = owner.file ? "inode " + std::to_string(owner.file->inode) : "a file";
    return inode + (owner.filesystem ? " of " + filesystem_text(*owner.filesystem) : std::string());
  }
  const std::size_t others = owner.paths.size() - 1;
  return path_text(owner.paths.front()) + (others == 0 ? "" : " (and " + count(others, "other name") + ")");
}

std::string with_detail(std::string text, const Owner& owner) {
  if (owner.filesystem) {
    text += " of " + filesystem_text(*owner.filesystem);
  }
  return owner.detail.empty() ? text : text + ": " + safe_line(owner.detail);
}

}  // namespace

std::string safe_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t unsafe = unsafe_length(text);
    for (const char c : text.substr(0, unsafe)) {
      out += "\\x" + to_hex(std::as_bytes(std::span(&c, 1)));
    }
    if (unsafe == 0) {
      out += text.front();
    }
    text.remove_prefix(std::max<std::size_t>(unsafe, 1));
  }
  return out;
}

std::string path_text(const FilePath& path) {
  return safe_line(escape_bytes(path.bytes));
}

std::string count(std::uint64_t number, std::string_view one) {
  return std::to_string(number) + " " + std::string(one) + (number == 1 ? "" : "s");
}

std::string span_text(std::uint64_t offset, std::uint64_t length) {
  return length <= 1 ? "byte " + std::to_string(offset)
                     : "bytes " + std::to_string(offset) + " to " + std::to_string(offset + length - 1);
}

std::string filesystem_text(const FileSystemRef& filesystem) {
  const std::string type = filesystem.type.empty() ? "a file system" : safe_line(filesystem.type);
  return filesystem.mount_point.empty() ? type : type + " at " + path_text({filesystem.mount_point});
}

std::string owner_text(const Owner& owner) {
  switch (owner.kind) {
    case OwnerKind::kFile:
      return file_text(owner);
    case OwnerKind::kMetadata:
      return with_detail("metadata", owner);
    case OwnerKind::kFree:
      return with_detail("free space", owner);
    case OwnerKind::kRaw:
      return with_detail("no file system", owner);
    case OwnerKind::kUnknown:
      return with_detail("unknown", owner);
  }
  return "unknown";
}

void print_table(std::ostream& out, const std::vector<Column>& columns,
                 const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    titles.push_back(columns[i].title);
    widths.push_back(width(columns[i].title));
    for (const auto& row : rows) {
      widths[i] = std::max(widths[i], width(row[i]));
    }
  }
  print_row(out, columns, widths, titles);
  for (const auto& row : rows) {
    print_row(out, columns, widths, row);
  }
}

}  // namespace pmend::ctl
