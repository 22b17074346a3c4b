// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/rest_search.hpp"

#include "pmend/model/json_fields.hpp"
#include "worker/lists.hpp"
#include "worker/places.hpp"
#include "worker/rest_of_list.hpp"

#include <algorithm>
#include <utility>

namespace pmend::worker {
namespace {

bool covers_all(const RangeSet& known, const std::vector<ByteRange>& ranges) {
  return std::ranges::all_of(ranges, [&](const ByteRange& range) { return known.covers(range); });
}

// How long people wait for the first of it: a list is to be known whole within two seconds of its notification, and
// most of that goes to whoever takes over what it shows.
constexpr std::chrono::milliseconds kReadFor{500};
constexpr std::chrono::seconds kLimit{60};
constexpr std::chrono::milliseconds kLongestPause{std::chrono::hours(1)};

}  // namespace

template <class Fields, ConstOr<RestOfList> T>
void describe(Fields& field, T& rest) {
  auto ranges = rest.bad.ranges();
  field("ranges", ranges);
  field("read_to", rest.read_to);
  if constexpr (!std::is_const_v<T>) {
    rest.bad = RangeSet(ranges);
  }
}
void read_json(const JsonReader& in, RestOfList& rest) {
  read_fields(in, rest);
}

void RestSearch::list_read(const Setting& setting, const protocol::DeviceInfo& info, const repair::BadList& list) {
  if (list.complete) {
    searches_.erase(info.device);
    return;
  }
  const auto ranges = list.bad.ranges();
  Search& search = searches_[info.device];
  search.info = info;
  if (covers_all(search.known, ranges)) {
    return;
  }
  for (const ByteRange& range : ranges) {
    search.known.insert(range);
  }
  search.read_to = ranges.back().end();
  search.pause = parts_.pause;
  if (!search.under_way) {
    go_on(setting, info.device);
  }
}

void RestSearch::go_on(const Setting& setting, const std::string& node) {
  Search& search = searches_.at(node);
  search.under_way = true;
  search.again.reset();
  parts_.run_child(
      kLimit,
      [setting, node, from = search.read_to, hints = parts_.hints(node)]() -> Answer {
        const auto rest = find_rest(setting, node, from, hints, kReadFor);
        return rest ? Answer(write_fields(*rest)) : tl::make_unexpected(reply_error(rest.error()));
      },
      [this, setting, node](const Answer& answer) { take(setting, node, answer); });
}

void RestSearch::take(const Setting& setting, const std::string& node, const Answer& answer) {
  const auto found = searches_.find(node);
  if (found == searches_.end()) {
    return;  // meanwhile the list has become whole, and says more than this
  }
  Search& search = found->second;
  search.under_way = false;
  const auto rest =
      answer ? from_json<RestOfList>(*answer) : Result<RestOfList>(fail(Errc::kNotFound, answer.error().what));
  if (!rest) {
    return try_later(setting, search, answer ? rest.error().message() : answer.error().what);
  }
  search.told = false;
  search.pause = parts_.pause;
  const bool news = !covers_all(search.known, rest->bad.ranges());
  for (const ByteRange& range : rest->bad.ranges()) {
    search.known.insert(range);
  }
  search.read_to = std::max(search.read_to, rest->read_to);
  const bool whole = search.read_to >= search.info.size;
  if (news || whole) {  // to take a long list over costs more than to find nothing
    parts_.tell({search.info.device, search.info.device_id, kKernelList, search.known.ranges(), whole});
  }
  if (!whole) {
    go_on(setting, node);
  }
}

void RestSearch::try_later(const Setting& setting, Search& search, const std::string& why) {
  const std::string node = search.info.device;
  if (!std::exchange(search.told, true)) {
    parts_.notice(kKernelList, "the list of " + node + " is cut short, and the rest of it cannot be looked for: " +
                                   why + "; this is tried again");
  }
  search.again = std::make_unique<loop::Deadline>(parts_.io);
  search.again->set(search.pause, [this, setting, node] { go_on(setting, node); });
  search.pause = std::min(2 * search.pause, kLongestPause);
}

}  // namespace pmend::worker
