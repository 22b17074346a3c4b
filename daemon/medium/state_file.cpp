// SPDX-License-Identifier: Apache-2.0
#include "medium/state_file.hpp"

#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

namespace pmend::medium {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr auto kLongestReturn = std::chrono::hours(24);
constexpr std::size_t kLargestFile = 256U << 20U;

Json rows_of(const RangeSet& set) {
  Json rows = Json::array();
  for (const ByteRange& range : set.ranges()) {
    const SectorRange sectors = touched_sectors(range);
    rows.push_back({sectors.first, sectors.count});
  }
  return rows;
}

Json returns_of(const PoisonMap& map, const Now& now) {
  Json rows = Json::array();
  for (const auto& [time, set] : map.returns()) {
    const WallTime due = now.wall + (time - now.steady);
    for (Json row : rows_of(set)) {
      row.push_back(static_cast<std::uint64_t>(std::max(due.time_since_epoch().count(), WallTime::rep{0})));
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

SteadyTime steady_return(std::uint64_t wall_microseconds, const Now& now) {
  const auto wall_now = static_cast<std::uint64_t>(std::max(now.wall.time_since_epoch().count(), WallTime::rep{0}));
  const std::uint64_t rest = wall_microseconds > wall_now ? wall_microseconds - wall_now : 0;
  constexpr auto kMost = std::chrono::duration_cast<std::chrono::microseconds>(kLongestReturn);
  return now.steady + std::chrono::microseconds(std::min(rest, static_cast<std::uint64_t>(kMost.count())));
}

// Calls `take` for each row of `key`, which must be [FIRST, COUNT] and `more` further numbers.
void read_rows(JsonObjectReader& object, const char* key, std::size_t more, std::uint64_t disk_bytes,
               const std::function<void(const ByteRange&, const std::vector<JsonReader>&)>& take) {
  const auto list = object.required(key);
  if (!list) {
    return;
  }
  for (const JsonReader& row : list->array()) {
    const std::vector<JsonReader> numbers = row.array();
    if (numbers.size() != 2 + more) {
      row.expected(std::to_string(2 + more) + " numbers");
      continue;
    }
    const auto bytes = to_bytes(SectorRange{numbers[0].u64(), numbers[1].u64()});
    if (!bytes || bytes->empty() || bytes->end() > disk_bytes) {
      row.expected("sectors of the disk");
      continue;
    }
    take(*bytes, numbers);
  }
}

State read_state(const JsonReader& in, std::uint64_t disk_bytes, const Now& now) {
  State state;
  JsonObjectReader object(in);
  if (const auto version = object.required("version")) {
    version->u64(kVersion, kVersion);
  }
  if (const auto bytes = object.required("bytes")) {
    bytes->u64(disk_bytes, disk_bytes);
  }
  if (const auto words = object.required("mode")) {
    const auto mode = parse_mode({}, words->string());
    if (mode) {
      state.mode = *mode;
    } else {
      words->problem(mode.error().message());
    }
  }
  using Row = std::vector<JsonReader>;
  PoisonMap& map = state.map;
  read_rows(object, "poison", 0, disk_bytes, [&](const ByteRange& range, const Row&) { map.poison(range); });
  read_rows(object, "phantom", 0, disk_bytes, [&](const ByteRange& range, const Row&) { map.add_phantom(range); });
  read_rows(object, "returns", 1, disk_bytes,
            [&](const ByteRange& range, const Row& row) { map.schedule(range, steady_return(row[2].u64(), now)); });
  object.finish();
  return state;
}

}  // namespace

std::string to_json(const State& state, std::uint64_t disk_bytes, const Now& now) {
  const Json json = {{"version", kVersion},
                     {"bytes", disk_bytes},
                     {"mode", to_string(state.mode)},
                     {"poison", rows_of(state.map.poisoned())},
                     {"phantom", rows_of(state.map.phantoms())},
                     {"returns", returns_of(state.map, now)}};
  return to_json_text(json) + "\n";
}

Result<State> parse_state(std::string_view text, std::uint64_t disk_bytes, const Now& now) {
  const auto json = parse_json_text(text, {.size_limit = kLargestFile});
  if (!json) {
    return fail(Errc::kCorrupt, "state: " + json.error().to_string());
  }
  JsonProblems problems;
  State state = read_state(JsonReader(json->value, problems), disk_bytes, now);
  if (!problems.empty()) {
    return fail(Errc::kCorrupt, "state: " + pmend::to_string(problems));
  }
  return state;
}

Result<StateDirectory> StateDirectory::open(const std::string& path) {
  if (mkdir(path.c_str(), 0700) < 0 && errno != EEXIST) {
    return fail_errno("make " + path);
  }
  auto lock = open_file(path + "/lock", O_RDWR | O_CREAT);
  if (!lock) {
    return tl::make_unexpected(lock.error());
  }
  if (flock(lock->get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno == EWOULDBLOCK) {
      return fail(Errc::kRefused, "another pmend-medium is using " + path);
    }
    return fail_errno("lock " + path);
  }
  return StateDirectory(path, std::move(*lock));
}

Result<State> StateDirectory::load(std::uint64_t disk_bytes, const Now& now) const {
  const std::string path = path_ + "/state.json";
  const auto text = read_text_file(path, kLargestFile);
  if (!text && text.error().is_errno(ENOENT)) {
    return State{};
  }
  if (!text) {
    return tl::make_unexpected(text.error());
  }
  auto state = parse_state(*text, disk_bytes, now);
  if (!state) {
    return wrap(state.error(), path);
  }
  return state;
}

Status StateDirectory::save(const State& state, std::uint64_t disk_bytes, const Now& now) const {
  const std::string path = path_ + "/state.json";
  const std::string temporary = path + ".new";
  const auto file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  const std::string json = to_json(state, disk_bytes, now);
  if (auto written = write_exactly(file->get(), std::as_bytes(std::span(json)), 0); !written) {
    return wrap(written.error(), temporary);
  }
  if (rename(temporary.c_str(), path.c_str()) < 0) {
    return fail_errno("rename " + temporary);
  }
  return {};
}

}  // namespace pmend::medium
