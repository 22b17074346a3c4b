// SPDX-License-Identifier: Apache-2.0
#include "ctl/report_formats.hpp"

#include "ctl/text.hpp"
#include "pmend/base/range_set.hpp"

#include <algorithm>
#include <iomanip>
#include <map>
#include <ostream>
#include <sstream>

namespace pmend::ctl {
namespace {

constexpr char kFinished = '+';
constexpr char kBadSector = '-';
constexpr char kNotTrimmed = '*';  // could not be read as a whole; parts of it may be good
constexpr char kNotTried = '?';

std::string hex(std::uint64_t number) {
  std::ostringstream out;
  out << "0x" << std::hex << std::uppercase << std::setfill('0') << std::setw(8) << number;
  return out.str();
}

// What is known of each byte: later calls win.
class DeviceMap {
 public:
  void mark(const ByteRange& range, char status) {
    for (auto& [other, bytes] : bytes_) {
      bytes.erase(range);
    }
    bytes_[status].insert(range);
    end_ = std::max(end_, range.end());
  }

  // All ranges in order, without a gap.
  std::map<std::uint64_t, std::pair<std::uint64_t, char>> blocks() const {
    std::map<std::uint64_t, std::pair<std::uint64_t, char>> blocks;
    RangeSet known;
    for (const auto& [status, bytes] : bytes_) {
      for (const ByteRange& range : bytes.ranges()) {
        blocks[range.offset] = {range.length, status};
        known.insert(range);
      }
    }
    for (const ByteRange& gap : known.missing({0, end_})) {
      blocks[gap.offset] = {gap.length, kNotTried};
    }
    return blocks;
  }

 private:
  std::map<char, RangeSet> bytes_;
  std::uint64_t end_ = 0;
};

DeviceMap map_of(const Report& report) {
  DeviceMap map;
  if (report.incident.state != IncidentState::kRepaired && report.incident.state != IncidentState::kCleared) {
    map.mark(report.incident.device_range, kNotTrimmed);
  }
  for (const Unit& unit : report.manifest.units) {
    map.mark(unit.device_range, kFinished);
  }
  for (const ManifestRange& range : report.manifest.lost) {
    map.mark(range.device_range, kBadSector);
  }
  return map;
}

}  // namespace

void print_ranges_format(std::ostream& out, const Report& report) {
  for (const ManifestRange& range : report.manifest.lost) {
    const std::uint64_t length = range.device_range.length;
    if (range.paths.empty() || !range.file_offset) {
      out << range.device_range.offset << ' ' << length << ' ' << safe_line(report.incident.device) << '\n';
      continue;
    }
    for (const FilePath& path : range.paths) {
      out << *range.file_offset << ' ' << length << ' ' << path_text(path) << '\n';
    }
  }
}

void print_ddrescue_format(std::ostream& out, const Report& report) {
  out << "# Mapfile of " << safe_line(report.incident.device) << ", incident " << report.incident.id.value
      << ", made by pmendctl\n"
      << "# current_pos  current_status  current_pass\n"
      << hex(0) << "     " << kFinished << "               1\n"
      << "#      pos        size  status\n";
  for (const auto& [offset, block] : map_of(report).blocks()) {
    out << hex(offset) << "  " << hex(block.first) << "  " << block.second << '\n';
  }
}

}  // namespace pmend::ctl
