// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/file_path.hpp"
#include "pmend/model/owner.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

// Pieces of text for people. What comes from a file name or from the daemon cannot steer the terminal: control
// characters and those that change the direction of writing are shown as \xNN.
namespace pmend::ctl {

// UTF-8 text as one line.
std::string safe_line(std::string_view text);
// The same of any bytes, and unambiguous: a backslash is doubled.
std::string path_text(const FilePath& path);

// "512 bytes", "1 byte"
std::string count(std::uint64_t number, std::string_view one);
// "bytes 40960 to 41471"
std::string span_text(std::uint64_t offset, std::uint64_t length);

// "/srv/a (and 1 other name)", "free space of xfs at /srv", "unknown: why"
std::string owner_text(const Owner& owner);
// "xfs at /srv"
std::string filesystem_text(const FileSystemRef& filesystem);

struct Column {
  std::string title;
  enum class Set { kLeft, kRight } set = Set::kLeft;
};
// Each row has one text per column.
void print_table(std::ostream& out, const std::vector<Column>& columns,
                 const std::vector<std::vector<std::string>>& rows);

}  // namespace pmend::ctl
