// SPDX-License-Identifier: Apache-2.0
#include "worker/scrub.hpp"

#include "pmend/repair/child.hpp"
#include "pmend/repair/outcome_from_errno.hpp"
#include "worker/lists.hpp"
#include "worker/scrub_walk.hpp"

#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace pmend::worker {
namespace {

using std::chrono::steady_clock;

// A pause is as long as the reading before it, but not so long that nobody could cancel.
constexpr std::chrono::seconds kLongestPause{1};
// The reply has to fit into a message.
constexpr std::size_t kMostRangesOfAKind = 400;

// How a child that reads ends.
constexpr int kReadAll = 0;
constexpr int kReadFailed = 1;

void be_idle() {
  // Schedulers that know no priorities take no notice; the pauses hold for all.
  [[maybe_unused]] const long only_a_wish =
      syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

// Reads pieces into memory that it shares with its children; nobody looks at the bytes.
class PieceReader {
 public:
  static Result<PieceReader> create(const repair::Place& device) {
    auto bytes = repair::SharedBuffer::create(std::max(kScrubPieceBytes, device.block_bytes));
    auto error = repair::SharedBuffer::create(sizeof(int));
    if (!bytes || !error) {
      return tl::make_unexpected(bytes ? error.error() : bytes.error());
    }
    return PieceReader(device, std::move(*bytes), std::move(*error));
  }

  Result<PieceRead> read(const ByteRange& piece) const {
    const auto child = repair::run_in_child(device_.read_limit, [&] { return read_in_child(piece); });
    if (!child) {
      return tl::make_unexpected(child.error());
    }
    if (child->end != repair::ChildEnd::kExited) {
      return PieceRead::kNoAnswer;
    }
    if (child->value == kReadAll) {
      return PieceRead::kGood;
    }
    int number = 0;
    std::memcpy(&number, error_.bytes().data(), sizeof number);
    if (!repair::is_medium_error(number)) {
      return fail_errno("read " + to_string(piece) + " of " + device_.device, number);
    }
    return PieceRead::kUnreadable;
  }

 private:
  PieceReader(const repair::Place& device, repair::SharedBuffer bytes, repair::SharedBuffer error)
      : device_(device), bytes_(std::move(bytes)), error_(std::move(error)) {}

  int read_in_child(const ByteRange& piece) const {
    ssize_t n = 0;
    do {
      n = pread(device_.device_fd, bytes_.bytes().data(), piece.length, static_cast<off_t>(piece.offset));
    } while (n < 0 && errno == EINTR);
    if (n >= 0 && static_cast<std::uint64_t>(n) == piece.length) {
      return kReadAll;
    }
    // A short read of a device inside its size stops in front of what cannot be read.
    const int number = n < 0 ? errno : EIO;
    std::memcpy(error_.bytes().data(), &number, sizeof number);
    return kReadFailed;
  }

  const repair::Place& device_;
  repair::SharedBuffer bytes_;
  repair::SharedBuffer error_;
};

// Takes down what each piece turned out to be.
class ScrubNotes {
 public:
  explicit ScrubNotes(ListPlace list) : list_(std::move(list)) {}

  Status take(const PieceFinds& finds, std::uint64_t device_bytes) {
    insert_all(unreadable_, finds.unreadable);
    insert_all(unanswered_, finds.unanswered);
    if (!finds.unreadable.empty()) {
      const auto listed = read_bad_list(list_, device_bytes);
      if (!listed) {
        return tl::make_unexpected(listed.error());
      }
      for (const ByteRange& range : finds.unreadable.ranges()) {
        for (const ByteRange& missing : listed->bad.missing(range)) {
          unlisted_.insert(missing);
        }
      }
    }
    const auto noted = list_.own ? list_.own->note(finds.unreadable, finds.good) : Result<RangeSet>();
    return noted ? Status() : tl::make_unexpected(noted.error());
  }

  void tell(protocol::ScrubReply& reply) const {
    reply.source = list_.source;
    reply.unreadable = finds_of(unreadable_);
    reply.unlisted = finds_of(unlisted_);
    reply.unanswered = finds_of(unanswered_);
  }

 private:
  static void insert_all(RangeSet& set, const RangeSet& more) {
    for (const ByteRange& range : more.ranges()) {
      set.insert(range);
    }
  }

  ListPlace list_;
  RangeSet unreadable_;
  RangeSet unlisted_;
  RangeSet unanswered_;
};

Result<std::uint64_t> walk(const repair::Place& device, ScrubNotes& notes, ScrubBoard& board) {
  const auto reader = PieceReader::create(device);
  if (!reader) {
    return tl::make_unexpected(reader.error());
  }
  auto began = steady_clock::now();
  ScrubSteps steps;
  steps.read = [&](const ByteRange& piece) { return reader->read(piece); };
  steps.after_piece = [&](const ByteRange& piece, const PieceFinds& finds) -> Result<bool> {
    if (auto noted = notes.take(finds, device.device_bytes); !noted) {
      return tl::make_unexpected(noted.error());
    }
    board.done = piece.end();
    std::this_thread::sleep_for(std::min<steady_clock::duration>(steady_clock::now() - began, kLongestPause));
    began = steady_clock::now();
    return !board.cancelled;
  };
  board.total = device.device_bytes;
  return walk_device(device.device_bytes, device.block_bytes, steps);
}

}  // namespace

protocol::ScrubFinds finds_of(const RangeSet& set) {
  protocol::ScrubFinds finds{set.total_bytes(), set.ranges()};
  finds.ranges.resize(std::min(finds.ranges.size(), kMostRangesOfAKind));
  return finds;
}

Result<protocol::ScrubReply> scrub(const Setting& setting, const protocol::DeviceRequest& request, ScrubBoard& board) {
  const auto context = block::read_block_context(setting.roots, request.device);
  if (!context) {
    return tl::make_unexpected(context.error());
  }
  const auto list = list_of(setting, context->device, context->device_id);
  if (!list) {
    return fail(Errc::kNotFound, "list of " + request.device);
  }
  const auto open = open_device(*context);
  if (!open) {
    return tl::make_unexpected(open.error());
  }
  be_idle();
  ScrubNotes notes(*list);
  const auto end = walk(open->place, notes, board);
  if (!end) {
    return tl::make_unexpected(end.error());
  }
  protocol::ScrubReply reply;
  reply.device = context->device.node;
  reply.device_id = context->device_id;
  reply.size = context->device.size_bytes;
  reply.done = *end;
  reply.cancelled = board.cancelled;
  notes.tell(reply);
  return reply;
}

}  // namespace pmend::worker
