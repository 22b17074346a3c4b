// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/list_watch.hpp"

#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace pmend::worker {
namespace {

// No periodic wake-up comes more often than once a minute, unless the configuration asks for it.
constexpr std::chrono::seconds kSlowest{300};

// To take a list over costs everybody something for each entry, and while hundreds are repaired it changes with each of
// them: a look now and then is enough.
constexpr std::chrono::milliseconds kRestForEntry{2};
constexpr std::chrono::milliseconds kLongestRest{1000};

std::string digest_of(const Result<repair::BadList>& list) {
  if (!list) {
    return list.error().message();
  }
  std::string text = list->complete ? "complete" : "cut";
  for (const ByteRange& range : list->bad.ranges()) {
    text += " " + to_string(range);
  }
  return text;
}

}  // namespace

ListWatch::ListWatch(boost::asio::io_context& io, ListPlace place, std::uint64_t device_bytes,
                     std::function<void(const Result<repair::BadList>&)> on_read)
    : io_(io), place_(std::move(place)), device_bytes_(device_bytes), on_read_(std::move(on_read)), next_(io) {
  open();
  read_now(Why::kTime);
}

void ListWatch::open_own() {
  fd_ = UniqueFd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  // What replaces the file, takes it away, and a person with an editor.
  constexpr std::uint32_t kChanges = IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE;
  if (!fd_ || inotify_add_watch(fd_.get(), place_.own->directory().c_str(), kChanges) < 0) {
    fd_.reset();
    return;
  }
  watch_ = std::make_unique<loop::FdWatch>(io_, fd_.get(), loop::FdWatch::For::kReadable, [this] { woken(); });
}

void ListWatch::open() {
  if (place_.own) {
    open_own();
    return;
  }
  auto fd = open_file(place_.path, O_RDONLY | O_NONBLOCK);
  if (!fd) {
    return;
  }
  fd_ = std::move(*fd);
  try {
    watch_ = std::make_unique<loop::FdWatch>(io_, fd_.get(), loop::FdWatch::For::kChange, [this] { woken(); });
  } catch (const boost::system::system_error&) {
    // An ordinary file cannot be polled: the interval does it.
    fd_.reset();
  }
}

void ListWatch::arm_again() {
  std::array<char, 4096> seen{};
  if (watch_ && place_.own) {
    while (read(fd_.get(), seen.data(), seen.size()) > 0) {
    }
    return;
  }
  // A sysfs attribute counts as seen when this descriptor has read it from its beginning.
  if (watch_ && pread(fd_.get(), seen.data(), seen.size(), 0) < 0) {
    watch_.reset();
    fd_.reset();
  }
}

void ListWatch::woken() {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(rest_until_ - std::chrono::steady_clock::now());
  if (left <= std::chrono::milliseconds(0)) {
    return read_now(Why::kWoken);
  }
  arm_again();
  next_.set(left, [this] { read_now(Why::kWoken); });
}

void ListWatch::read_now(Why why) {
  arm_again();
  const auto list = read_bad_list(place_, device_bytes_);
  read_later();
  counters_.rereads += why == Why::kTime ? 1U : 0U;
  counters_.gaps += list ? 0U : 1U;
  if (const std::string digest = digest_of(list); digest != last_) {
    ++counters_.events;
    last_ = digest;
    const auto entries = list ? static_cast<std::int64_t>(list->bad.ranges().size()) : 0;
    rest_until_ = std::chrono::steady_clock::now() + std::min(kRestForEntry * entries, kLongestRest);
    on_read_(list);
  } else {
    counters_.spurious += why == Why::kWoken ? 1U : 0U;
  }
}

protocol::SourceCounters ListWatch::counters(const std::string& source, const std::string& place) const {
  protocol::SourceCounters counters = counters_;
  counters.source = source;
  counters.place = place;
  return counters;
}

void ListWatch::read_later() {
  if (watch_ && place_.own) {
    return;  // only workers write it, and each time the watch is told
  }
  next_.set(watch_ ? std::max(place_.interval, kSlowest) : place_.interval, [this] {
    if (!watch_) {
      open();
    }
    read_now(Why::kTime);
  });
}

}  // namespace pmend::worker
