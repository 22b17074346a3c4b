// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/ars_watch.hpp"

#include "pmend/kernel/nd_ars.hpp"
#include "pmend/model/json_fields.hpp"
#include "worker/places.hpp"

#include <boost/system/system_error.hpp>

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

namespace pmend::worker {
namespace {

using protocol::ErrorCode;
using protocol::ReplyError;

constexpr std::chrono::seconds kAskLimit{60};
// Where a wake-up was lost somebody would wait for ever.
constexpr std::chrono::seconds kLookAgain{60};

// How the records come from the child.
struct Found {
  std::uint64_t ended = 0;
  std::vector<ByteRange> covered;
  std::vector<ByteRange> bad;
};
template <class Fields, ConstOr<Found> T>
void describe(Fields& field, T& found) {
  field("ended", found.ended);
  field("covered", found.covered);
  field("bad", found.bad);
}
void read_json(const JsonReader& in, Found& found) {
  read_fields(in, found);
}

void add_records(Found& found, const nvdimm::Region& region, const kernel::ArsRecords& records) {
  const auto covered = intersect(records.covered, region.physical);
  if (!covered) {
    return;
  }
  found.covered.push_back(*covered);
  for (const ByteRange& bad : records.bad) {
    if (intersect(bad, *covered)) {
      found.bad.push_back(round_out(bad, kSectorBytes));
    }
  }
}

Result<Found> ask_firmware(const nvdimm::Bus& bus) {
  const auto before = read_scrub_count(bus.scrub);
  const auto control = open_file(bus.control, O_RDWR);
  if (!before || !control) {
    return tl::make_unexpected(before ? control.error() : before.error());
  }
  Found found{before->ended, {}, {}};
  for (const nvdimm::Region& region : bus.regions) {
    if (region.physical.empty()) {
      continue;
    }
    const auto records = kernel::ars_records(control->get(), region.physical);
    if (!records) {
      return tl::make_unexpected(records.error());
    }
    add_records(found, region, *records);
  }
  const auto after = read_scrub_count(bus.scrub);
  if (!after || after->running || *after != *before) {
    return fail(Errc::kStale, "another scrub began");
  }
  return found;
}

Answer work(const nvdimm::Bus& bus) {
  const auto found = ask_firmware(bus);
  return found ? Answer(write_fields(*found)) : tl::make_unexpected(reply_error(found.error()));
}

Answer write_start(const std::string& attribute) {
  const auto fd = open_file(attribute, O_WRONLY);
  const std::string one = "1\n";
  const auto written =
      fd ? write_exactly(fd->get(), std::as_bytes(std::span(one)), 0) : tl::make_unexpected(fd.error());
  return written ? Answer(Json::object()) : tl::make_unexpected(reply_error(written.error()));
}

}  // namespace

ArsWatch::ArsWatch(boost::asio::io_context& io, nvdimm::Bus bus, RunChild run_child, Handlers handlers)
    : io_(io), bus_(std::move(bus)), run_child_(std::move(run_child)), handlers_(std::move(handlers)), look_again_(io) {
  if (auto fd = open_file(bus_.scrub, O_RDONLY | O_NONBLOCK)) {
    fd_ = std::move(*fd);
    try {
      watch_ = std::make_unique<loop::FdWatch>(io_, fd_.get(), loop::FdWatch::For::kChange, [this] { look(); });
    } catch (const boost::system::system_error&) {
      // A recorded tree: nothing changes there.
    }
  }
  look();
}

void ArsWatch::look() {
  std::array<char, 32> seen{};
  // Counts as seen when this descriptor has read it from its beginning.
  const ssize_t n = fd_ ? pread(fd_.get(), seen.data(), seen.size(), 0) : -1;
  const auto count = parse_scrub_count(std::string(seen.data(), n > 0 ? static_cast<std::size_t>(n) : 0));
  if (n < 0) {
    watch_.reset();  // the bus has gone
    return;
  }
  if (count && !count->running && (!records_ || records_->ended != count->ended)) {
    fetch();
  } else {
    ++counters_.spurious;
  }
  if (is_waiting()) {
    look_again_.set(kLookAgain, [this] { look(); });
  }
}

void ArsWatch::fetch() {
  if (std::exchange(fetching_, true)) {
    return;
  }
  run_child_(
      kAskLimit, [bus = bus_] { return work(bus); },
      [this, alive = std::weak_ptr(alive_)](const Answer& answer) {
        if (!alive.expired()) {
          take(answer);
        }
      });
}

void ArsWatch::take(const Answer& answer) {
  fetching_ = false;
  const auto found = answer ? from_json<Found>(*answer) : Result<Found>(fail(Errc::kNotFound, answer.error().what));
  if (!found) {
    // That there was none yet is no problem, nor that the next one began.
    const bool quiet =
        !answer && (answer.error().code == ErrorCode::kNotFound || answer.error().code == ErrorCode::kGone);
    if (!quiet && problem_ != found.error().what) {
      problem_ = found.error().what;
      handlers_.on_problem(problem_);
    }
    ++counters_.gaps;
    return end_waiting();
  }
  records_ = ScrubRecords{found->ended, RangeSet(found->covered), RangeSet(found->bad)};
  ++counters_.events;
  handlers_.on_records();
  end_waiting();
}

void ArsWatch::end_waiting() {
  const auto count = read_scrub_count(bus_.scrub);
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    const bool over = !count || (!count->running && count->ended >= waiting.ended);
    if (!over) {
      waiting_.push_back(std::move(waiting));
    } else if (records_ && records_->ended >= waiting.ended) {
      waiting.on_end(*records_);
    } else {
      waiting.on_end(fail(Errc::kIncomplete, "what the scrub found: " + (problem_.empty() ? "not known" : problem_)));
    }
  }
}

protocol::SourceCounters ArsWatch::counters() const {
  protocol::SourceCounters counters = counters_;
  counters.source = "ars";
  counters.place = bus_.name;
  return counters;
}

void ArsWatch::start(OnEnd on_end) {
  const auto count = read_scrub_count(bus_.scrub);
  if (!count || count->running) {
    on_end(count ? fail_errno("a scrub of bus " + bus_.provider + " is under way", EBUSY)
                 : tl::make_unexpected(count.error()));
    return;
  }
  run_child_(
      kAskLimit, [attribute = bus_.scrub] { return write_start(attribute); },
      [this, ended = count->ended + 1, on_end = std::move(on_end),
       alive = std::weak_ptr(alive_)](const Answer& answer) {
        if (!answer || alive.expired()) {
          return on_end(fail(Errc::kRefused, answer ? "the bus has gone" : answer.error().what));
        }
        waiting_.push_back({ended, on_end});
        look();
      });
}

}  // namespace pmend::worker
