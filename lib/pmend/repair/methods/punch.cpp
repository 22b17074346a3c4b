// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/methods/punch.hpp"

#include "pmend/base/boundary.hpp"

#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>
#include <ctime>

namespace pmend::repair {
namespace {

ByteRange file_range_of(const UnitWork& work) {
  const Mapping& mapping = work.planned().mappings.front();
  return {mapping.file_offset, mapping.device_range.length};
}

// True if the two are at most a second apart: the kernel gives the change time when the call begins, which is at once
// after the note is on disk.
bool are_close(const FileTime& a, const FileTime& b) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (a.seconds + 1 < b.seconds || b.seconds + 1 < a.seconds) {
    return false;
  }
  const std::int64_t apart =
      (b.seconds - a.seconds) * kSecond + std::int64_t{b.nanoseconds} - std::int64_t{a.nanoseconds};
  return apart >= -kSecond && apart <= kSecond;
}

// The clock that change times come from.
FileTime file_clock() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return {now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec)};
}

// Takes in one piece of what the file has now. False if it is of a kind that no punch leaves.
Result<bool> add_piece(const UnitWork& work, const Piece& piece, PunchLook& look) {
  if (piece.extent.is_unwritten()) {
    look.equal = false;
    return true;
  }
  if (unusable_extent(piece.extent)) {
    return false;
  }
  const auto read = read_sectors(work.place, piece.device_range());
  if (!read) {
    return tl::make_unexpected(read.error());
  }
  look.readable = look.readable && read->all_readable();
  look.equal = look.equal && read->all_readable();
  const std::uint64_t in_unit = piece.file_range.offset - file_range_of(work).offset;
  std::copy(read->bytes.begin(), read->bytes.end(), look.bytes.begin() + static_cast<std::ptrdiff_t>(in_unit));
  return true;
}

// Each sector is zeros, or what the spool has.
bool is_leftover(const std::vector<std::byte>& bytes, const std::vector<std::byte>& rebuilt) {
  for (std::size_t at = 0; at < bytes.size(); at += kSectorBytes) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(kSectorBytes);
    const bool zeros = std::all_of(begin, end, [](std::byte byte) { return byte == std::byte{0}; });
    if (!zeros && !std::equal(begin, end, rebuilt.begin() + static_cast<std::ptrdiff_t>(at))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<PunchLook> look_at_punched(const UnitWork& work, int fd) {
  const ByteRange file_range = file_range_of(work);
  const auto difference = mapping_difference(fd, work.place, work.planned());
  const auto pieces = pieces_of(fd, work.place, file_range);
  if (!difference || !pieces) {
    return tl::make_unexpected(difference ? pieces.error() : difference.error());
  }
  PunchLook look;
  look.in_place = !*difference;
  look.readable = look.equal = look.leftover = true;
  look.keeps_old = false;
  look.bytes.resize(file_range.length);
  std::uint64_t mapped = 0;
  for (const Piece& piece : *pieces) {
    const auto usual = add_piece(work, piece, look);
    if (!usual) {
      return tl::make_unexpected(usual.error());
    }
    look.leftover = look.leftover && *usual;
    look.keeps_old = look.keeps_old || piece.device_range().overlaps(work.planned().unit.device_range);
    mapped += piece.file_range.length;
  }
  look.equal = look.equal && look.leftover && mapped == file_range.length && look.bytes == work.rebuilt;
  look.leftover = look.leftover && is_leftover(look.bytes, work.rebuilt);
  return look;
}

bool is_own_punch(const UnitWork& work, const FileTime& changed) {
  const auto noted = work.spool != nullptr ? work.spool->punch_time(work.position) : std::nullopt;
  return noted && are_close(*noted, changed);
}

Status give_blocks_back(const UnitWork& work, int fd) {
  const ByteRange range = file_range_of(work);
  boundary("punch: before the note");
  if (auto noted = work.spool->note_punch(work.position, file_clock()); !noted) {
    return noted;
  }
  boundary("punch: before the hole");
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(range.offset),
                static_cast<off_t>(range.length)) < 0) {
    return fail_errno("punch " + to_string(range));
  }
  boundary("punch: after the hole");
  // What follows may take longer than the punch.
  return work.spool->note_punch(work.position, file_clock());
}

tl::expected<Course, Ending> course_of_punched(const UnitWork& work, const PunchLook& look, const FileTime& changed) {
  if (look.equal) {
    return Course::kNothing;
  }
  if (look.leftover && is_own_punch(work, changed)) {
    return Course::kRewriteBegun;
  }
  return tl::make_unexpected(
      Ending{Outcome::kIndeterminate,
             "the file has other blocks where the unit was, and not the bytes that were to be written, and was changed "
             "since: nobody knows by whom. What was salvaged lies in the spool, in " +
                 work.spool_key});
}

Ending judge_punch(const UnitWork& work, const PunchLook& look, bool neighbours, const std::optional<Error>& failure) {
  if (look.equal && neighbours && !failure) {
    return {Outcome::kSucceeded, ""};
  }
  if (failure && look.in_place && !look.readable) {
    return {outcome_of(*failure), failure->message() + "; the file has its blocks as before"};
  }
  const std::string what = failure          ? failure->message()
                           : !look.readable ? "what was written cannot be read: the device does not tell the truth"
                           : !neighbours    ? "bytes around the unit are not what they were before"
                                            : "what was written reads as other bytes";
  return {Outcome::kIndeterminate, what + "; what was salvaged lies in the spool, in " + work.spool_key};
}

}  // namespace pmend::repair
