// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/guard.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/kernel/block_device.hpp"
#include "pmend/kernel/freeze.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/repair/child.hpp"
#include "pmend/repair/freeze_marker.hpp"
#include "pmend/repair/guard_link.hpp"
#include "pmend/repair/outcome_from_errno.hpp"
#include "pmend/repair/place.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <span>
#include <string_view>

namespace pmend::repair {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstOrderLimit{10'000};
// What is to be written back was written back just before.
constexpr milliseconds kFreezeLimit{10'000};

int errno_of(const Error& error) {
  return error.code.category() == std::system_category() ? error.code.value() : EIO;
}

// A run of sectors of the unit that are written alike; ends before the good ones.
struct Run {
  std::size_t begin = 0;
  std::size_t end = 0;
};
std::optional<Run> next_run(const std::string& sectors, std::size_t from) {
  const std::size_t begin = sectors.find_first_not_of(kSectorGood, from);
  if (begin == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t end = sectors.find_first_not_of(sectors[begin], begin);
  return Run{begin, end == std::string::npos ? sectors.size() : end};
}

// A direct read of each block, which must fail for the medium's own reasons.
bool is_unreadable(int device, const ByteRange& range, std::uint64_t block, std::span<std::byte> scratch) {
  for (std::uint64_t at = range.offset; at < range.end(); at += block) {
    if (pread(device, scratch.data(), block, static_cast<off_t>(at)) >= 0 || !is_medium_error(errno)) {
      return false;
    }
  }
  return true;
}

int write_bytes(int device, const ByteRange& range, std::span<const std::byte> bytes) {
  const auto written = write_exactly(device, bytes, range.offset);
  return written ? 0 : errno_of(written.error());
}

int zero_range(int device, const ByteRange& range) {
  const auto zeroed = kernel::zero_out(device, range);
  return zeroed ? 0 : errno_of(zeroed.error());
}

// There are media on which only writing clears and media on which only zeroing does, and neither says so beforehand.
// Nothing is lost by trying the other way: zeros are zeros, and bytes that were salvaged are in the spool, and pinned
// in the page cache for whoever reads them meanwhile.
int write_run(int device, const GuardOrder& order, const Run& run, std::span<std::byte> scratch) {
  const ByteRange range{order.device_range.offset + run.begin * kSectorBytes, (run.end - run.begin) * kSectorBytes};
  const std::span<std::byte> bytes = scratch.first(range.length);
  std::copy_n(order.bytes.begin() + static_cast<std::ptrdiff_t>(run.begin * kSectorBytes), range.length, bytes.begin());
  const char letter = order.sectors[run.begin];
  if (letter == kSectorLost || letter == kSectorUnused) {
    return zero_range(device, range) == 0 ? 0 : write_bytes(device, range, bytes);
  }
  if (write_bytes(device, range, bytes) == 0) {
    return 0;
  }
  boundary("writer: before what was salvaged is zeroed");
  if (const int error = zero_range(device, range); error != 0) {
    return error;
  }
  boundary("writer: before what was salvaged is written over zeros");
  return write_bytes(device, range, bytes);
}

int write_runs(int device, const GuardOrder& order, std::span<std::byte> scratch) {
  for (auto run = next_run(order.sectors, 0); run; run = next_run(order.sectors, run->end)) {
    if (const int error = write_run(device, order, *run, scratch); error != 0) {
      return error;
    }
    boundary("writer: after a write");
  }
  return 0;
}

// Each page by one write that is not tried again in parts: a part of a page must not be written.
int write_pages(int device, const GuardOrder& order, std::span<std::byte> scratch) {
  const std::span<std::byte> page = scratch.first(kPageBytes);
  for (std::uint64_t at = 0; at < order.device_range.length; at += kPageBytes) {
    const auto letters = std::string_view(order.sectors).substr(at / kSectorBytes, kPageBytes / kSectorBytes);
    if (letters.find_first_not_of(kSectorGood) == std::string_view::npos) {
      continue;
    }
    std::copy_n(order.bytes.begin() + static_cast<std::ptrdiff_t>(at), kPageBytes, page.begin());
    const ssize_t n = pwrite(device, page.data(), page.size(), static_cast<off_t>(order.device_range.offset + at));
    if (n != static_cast<ssize_t>(kPageBytes)) {
      return n < 0 ? errno : EIO;
    }
    boundary("writer: after a write");
  }
  return 0;
}

// In the writer: an errno, or kSectorReadsAgain.
int write_unit(int device, const GuardOrder& order, std::span<std::byte> scratch) {
  const auto geometry = kernel::block_device_geometry(device);
  if (!geometry) {
    return errno_of(geometry.error());
  }
  for (auto run = next_run(order.sectors, 0); order.still_bad && run; run = next_run(order.sectors, run->end)) {
    const ByteRange range{order.device_range.offset + run->begin * kSectorBytes,
                          (run->end - run->begin) * kSectorBytes};
    if (!is_unreadable(device, range, geometry->logical_block_bytes, scratch)) {
      return kSectorReadsAgain;
    }
  }
  boundary("writer: before the first write");
  const int error = order.whole_pages ? write_pages(device, order, scratch) : write_runs(device, order, scratch);
  if (error != 0) {
    return error;
  }
  return fsync(device) < 0 ? errno : 0;
}

// All but the device and what keeps the locks: a writer that hangs must hold nothing else.
void close_all_but(const std::vector<UniqueFd>& kept, int marker) {
  std::vector<int> keep{STDERR_FILENO, marker};
  for (const UniqueFd& fd : kept) {
    keep.push_back(fd.get());
  }
  std::sort(keep.begin(), keep.end());
  unsigned from = 0;
  for (const int fd : keep) {
    if (static_cast<unsigned>(fd) > from) {
      (void)close_range(from, static_cast<unsigned>(fd) - 1, 0);  // cannot fail for a range in order
    }
    from = static_cast<unsigned>(fd) + 1;
  }
  (void)close_range(from, ~0U, 0);  // as above
}

class Guard {
 public:
  Guard(UniqueFd socket, const std::string& runtime_directory)
      : socket_(std::move(socket)), runtime_directory_(runtime_directory) {}

  int run() {
    auto first = receive_order(socket_.get(), kFirstOrderLimit);
    if (!first || first->order.verb != GuardVerb::kFreeze || first->descriptors.size() < 2) {
      return 1;
    }
    mount_ = std::move(first->descriptors.front());
    first->descriptors.erase(first->descriptors.begin());
    device_and_locks_ = std::move(first->descriptors);
    if (!freeze(first->order.limit)) {
      return 0;
    }
    while (serve()) {
    }
    return thaw();
  }

 private:
  int device() const { return device_and_locks_.front().get(); }

  milliseconds time_left() const {
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now()));
  }

  bool report_unfrozen(int error) {
    // If the worker is gone nobody needs to know.
    (void)send_report(socket_.get(), {GuardState::kNotFrozen, error, {}});
    return false;
  }

  bool freeze(milliseconds limit) {
    struct stat status = {};
    if (fstat(mount_.get(), &status) < 0) {
      return report_unfrozen(errno);
    }
    auto marker = FreezeMarker::create(runtime_directory_, status.st_dev);
    if (!marker) {
      return report_unfrozen(errno_of(marker.error()));
    }
    marker_.emplace(std::move(*marker));
    boundary("guard: before the freeze");
    const int error = freeze_in_child();
    if (error != 0) {
      marker_->remove();
      return report_unfrozen(error);
    }
    frozen_since_ = steady_clock::now();
    deadline_ = frozen_since_ + limit;
    boundary("guard: after the freeze");
    (void)send_report(socket_.get(), {GuardState::kFrozen, 0, {}});  // if the worker is gone, serve() finds out
    return true;
  }

  // The errno, 0 if it is frozen. A child that had to be killed may have frozen it all the same: then it is thawed.
  int freeze_in_child() {
    const auto child = run_in_child(kFreezeLimit, [this] {
      const auto frozen = kernel::freeze(mount_.get());
      return frozen ? 0 : errno_of(frozen.error());
    });
    if (!child) {
      return errno_of(child.error());
    }
    if (child->end == ChildEnd::kExited) {
      return child->value;
    }
    wait_if_stuck(*child);
    (void)kernel::thaw(mount_.get());  // EINVAL: it never came about
    return ETIMEDOUT;
  }

  // Returns when the child is gone, however long that takes: what it was doing may still happen before.
  void wait_if_stuck(const ChildResult& child) {
    if (child.end != ChildEnd::kStuck) {
      return;
    }
    std::fprintf(stderr, "pmend-worker: process %d hangs in the kernel; the thaw waits for it\n", child.pid);
    (void)send_report(socket_.get(), {GuardState::kStuck, ETIMEDOUT, {}});
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
  }

  // One order. False when it is time to thaw.
  bool serve() {
    const auto received = receive_order(socket_.get(), time_left());
    if (!received || received->order.verb != GuardVerb::kWrite) {
      return false;
    }
    const int error = write(received->order);
    boundary("guard: after the write");
    return send_report(socket_.get(), {GuardState::kFrozen, error, {}}).has_value();
  }

  int write(const GuardOrder& order) {
    // Made before, for the writer holds no memory that it would have to ask for; page aligned, as direct writes want
    // it.
    const auto scratch = SharedBuffer::create(std::max<std::uint64_t>(order.device_range.length, 65536));
    if (!scratch) {
      return errno_of(scratch.error());
    }
    if (time_left() <= milliseconds(0)) {
      return ETIMEDOUT;
    }
    // Somebody else may have thawed it: only what is frozen is busy.
    if (const auto again = kernel::freeze(mount_.get()); again || !again.error().is_errno(EBUSY)) {
      return ESTALE;
    }
    boundary("guard: before the write");
    const auto child = run_in_child(time_left(), [&] {
      begin_boundaries("writer");
      close_all_but(device_and_locks_, marker_->descriptor());
      return write_unit(device(), order, scratch->bytes());
    });
    if (!child) {
      return errno_of(child.error());
    }
    wait_if_stuck(*child);
    return child->end == ChildEnd::kExited ? child->value : ETIMEDOUT;
  }

  int thaw() {
    boundary("guard: before the thaw");
    const auto thawed = kernel::thaw(mount_.get());
    const auto frozen = std::chrono::floor<std::chrono::microseconds>(steady_clock::now() - frozen_since_);
    boundary("guard: after the thaw");
    if (thawed || thawed.error().is_errno(EINVAL)) {
      marker_->remove();
    } else {
      std::fprintf(stderr, "pmend-worker: %s\n", thawed.error().message().c_str());
    }
    const int error = thawed ? 0 : errno_of(thawed.error());
    (void)send_report(socket_.get(), {GuardState::kThawed, error, frozen});  // if the worker is gone, nobody asks
    return error == 0 ? 0 : 1;
  }

  UniqueFd socket_;
  const std::string& runtime_directory_;
  UniqueFd mount_;
  std::vector<UniqueFd> device_and_locks_;
  std::optional<FreezeMarker> marker_;
  steady_clock::time_point frozen_since_;
  steady_clock::time_point deadline_;
};

// Nothing that other people do may end it or make it wait: no signal but SIGKILL, no page that has to be read.
void protect_process() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
    std::signal(number, SIG_IGN);
  }
  std::signal(SIGCHLD, SIG_DFL);
  (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);  // without the right to: it is as good as any process
  if (const auto score = open_file("/proc/self/oom_score_adj", O_WRONLY)) {
    (void)::write(score->get(), "-1000", 5);  // as above
  }
}

}  // namespace

int run_guard(UniqueFd socket, const std::string& runtime_directory) {
  protect_process();
  begin_boundaries("guard");
  return Guard(std::move(socket), runtime_directory).run();
}

}  // namespace pmend::repair
