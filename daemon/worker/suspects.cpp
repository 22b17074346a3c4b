// SPDX-License-Identifier: Apache-2.0
#include "worker/suspects.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/range_list.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace pmend::worker {
namespace {

// Room for kMostSuspects and more.
constexpr std::size_t kLargestFile = 2U << 20U;

struct SuspectFile {
  std::string device_id;
  std::vector<ByteRange> ranges;
};

template <class Fields, ConstOr<SuspectFile> T>
void describe(Fields& field, T& file) {
  field.constant("version", 1);
  field("device_id", file.device_id);
  field("ranges", file.ranges);
  field.check([&](const JsonReader& in) {
    const auto whole = [](const ByteRange& range) {
      return range.offset % kSectorBytes == 0 && range.length % kSectorBytes == 0;
    };
    if (!are_apart_in_order(file.ranges) || !std::ranges::all_of(file.ranges, whole)) {
      in.problem("ranges: expected whole sectors, in order and without overlap");
    }
  });
}
void read_json(const JsonReader& in, SuspectFile& file) {
  read_fields(in, file);
}

Result<SuspectFile> parse_file(const std::string& path, const std::string& text) {
  const auto parsed = parse_json_text(text, {.size_limit = kLargestFile});
  if (!parsed) {
    return fail(Errc::kCorrupt, path + ":" + parsed.error().to_string());
  }
  JsonProblems problems;
  SuspectFile file;
  read_json(JsonReader(parsed->value, problems), file);
  if (!problems.empty()) {
    const auto places = parse_json_text(text, {.places = true, .size_limit = kLargestFile});
    const JsonPlace place = place_of(places->places, problems.front().pointer);
    return fail(Errc::kCorrupt, path + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " +
                                    to_string(problems));
  }
  return file;
}

// Locked until the descriptor is closed, also by the end of the process.
Result<UniqueFd> lock_directory(const std::string& path) {
  auto directory = open_file(path, O_RDONLY | O_DIRECTORY);
  while (directory && flock(directory->get(), LOCK_EX) < 0) {
    if (errno != EINTR) {
      return fail_errno("lock " + path);
    }
  }
  return directory;
}

Status remove_file(const std::string& path, const UniqueFd& directory) {
  if (unlink(path.c_str()) < 0) {
    return fail_errno("unlink " + path);
  }
  if (fsync(directory.get()) < 0) {
    return fail_errno("fsync the directory of " + path);
  }
  return {};
}

}  // namespace

SuspectList::SuspectList(std::string directory, std::string device_id)
    : directory_(std::move(directory)),
      device_id_(std::move(device_id)),
      path_(directory_ + "/" + sha256_hex(device_id_) + ".json") {}

Result<RangeSet> SuspectList::read() const {
  const auto text = read_text_file(path_, kLargestFile);
  if (!text) {
    return text.error().is_errno(ENOENT) ? Result<RangeSet>() : tl::make_unexpected(text.error());
  }
  const auto file = parse_file(path_, *text);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  if (file->device_id != device_id_) {
    return fail(Errc::kCorrupt, path_ + " is the list of another device, " + escape_bytes(file->device_id));
  }
  return RangeSet(file->ranges);
}

Result<RangeSet> SuspectList::note(const RangeSet& bad, const RangeSet& good) const {
  const auto lock = lock_directory(directory_);
  const auto before = lock ? read() : tl::make_unexpected(lock.error());
  if (!before) {
    return before;
  }
  RangeSet after = *before;
  for (const ByteRange& range : good.ranges()) {
    after.erase(range);
  }
  for (const ByteRange& range : bad.ranges()) {
    after.insert(range);
  }
  const Status written = after == *before ? Status() : after.empty() ? remove_file(path_, *lock) : write(after);
  return written ? Result<RangeSet>(std::move(after)) : tl::make_unexpected(written.error());
}

Status SuspectList::write(const RangeSet& listed) const {
  const SuspectFile file{device_id_, listed.ranges()};
  if (file.ranges.size() > kMostSuspects) {
    return fail(Errc::kRefused, path_ + " would have more than " + std::to_string(kMostSuspects) +
                                    " pieces: so bad a device is to be replaced");
  }
  return replace_file(path_, to_json_text(write_fields(file)));
}

}  // namespace pmend::worker
