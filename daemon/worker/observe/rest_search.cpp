// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/rest_search.hpp"

#include "pmend/model/json_reader.hpp"
#include "worker/lists.hpp"
#include "worker/places.hpp"
#include "worker/rest_of_list.hpp"

#include <algorithm>
#include <utility>

namespace pmend::worker {
namespace {

// All is to be found within two seconds of the notification.
constexpr std::chrono::milliseconds kReadFor{1500};
constexpr std::chrono::seconds kLimit{60};

}  // namespace

void RestSearch::list_read(const Setting& setting, const protocol::DeviceInfo& info, const repair::BadList& list) {
  if (list.complete) {
    known_.erase(info.device);
    return;
  }
  const auto ranges = list.bad.ranges();
  RangeSet& known = known_[info.device];
  if (std::ranges::all_of(ranges, [&](const ByteRange& range) { return known.covers(range); })) {
    return;
  }
  known = list.bad;
  parts_.run_child(
      kLimit,
      [setting, info, listed = list.bad, hints = parts_.hints(info.device)]() -> Answer {
        const auto rest = find_rest(setting, info.device, listed, hints, kReadFor);
        if (!rest) {
          return tl::make_unexpected(reply_error(rest.error()));
        }
        return to_json(MediaErrorList{info.device, info.device_id, kKernelList, rest->bad.ranges(), rest->complete});
      },
      [this, node = info.device](const Answer& answer) { take(node, answer); });
}

void RestSearch::take(const std::string& node, const Answer& answer) {
  const auto whole =
      answer ? from_json<MediaErrorList>(*answer) : Result<MediaErrorList>(fail(Errc::kNotFound, answer.error().what));
  const auto known = known_.find(node);
  // Meanwhile the list may have become whole, and then it says more than this.
  if (whole && known != known_.end()) {
    for (const ByteRange& range : whole->ranges) {
      known->second.insert(range);
    }
    parts_.tell(*whole);
  }
}

}  // namespace pmend::worker
