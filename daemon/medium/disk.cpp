// SPDX-License-Identifier: Apache-2.0
#include "medium/disk.hpp"

#include "pmend/kernel/badblocks.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace pmend::medium {
namespace {

constexpr std::string_view kScrambleWord = "POISONED";
constexpr std::uint64_t kScrambleChunk = 1U << 16U;

std::string make_junk() {
  std::string junk;
  junk.reserve(kScrambleChunk);
  while (junk.size() < kScrambleChunk) {
    junk += kScrambleWord;
  }
  return junk;
}

int errno_of(const Error& error) {
  return error.code.category() == std::system_category() ? error.code.value() : EIO;
}

Status zero(int file, const ByteRange& part) {
  // A hole reads as zeros and keeps the image sparse.
  if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(part.offset),
                static_cast<off_t>(part.length)) < 0) {
    return fail_errno("zero " + to_string(part));
  }
  return {};
}

Result<std::uint64_t> regular_file_size(int file, const std::string& path) {
  struct stat status {};
  if (fstat(file, &status) < 0) {
    return fail_errno("stat " + path);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::kInvalid, path + " is not a regular file");
  }
  return static_cast<std::uint64_t>(status.st_size);
}

Result<Image> create_image(const std::string& path, std::uint64_t bytes) {
  auto file = open_file(path, O_RDWR | O_CREAT | O_EXCL);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  if (ftruncate(file->get(), static_cast<off_t>(bytes)) < 0) {
    const auto error = fail_errno("make " + path + " " + std::to_string(bytes) + " bytes long");
    unlink(path.c_str());
    return error;
  }
  return Image{std::move(*file), bytes};
}

// Whole sectors, at least one.
Result<std::uint64_t> disk_size(std::uint64_t bytes) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()) - kSectorBytes;
  if (bytes == 0 || bytes > kMost) {
    return fail(Errc::kInvalid, "a disk cannot have " + std::to_string(bytes) + " bytes");
  }
  return round_out({0, bytes}, kSectorBytes).length;
}

}  // namespace

Result<Image> open_image(const std::string& path, std::optional<std::uint64_t> bytes) {
  const auto wanted = disk_size(bytes.value_or(kSectorBytes));
  if (!wanted) {
    return tl::make_unexpected(wanted.error());
  }
  auto file = open_file(path, O_RDWR);
  if (!file && file.error().is_errno(ENOENT) && bytes) {
    return create_image(path, *wanted);
  }
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  const auto size = regular_file_size(file->get(), path);
  if (!size) {
    return tl::make_unexpected(size.error());
  }
  if (*size == 0 || *size % kSectorBytes != 0 || (bytes && *size != *wanted)) {
    return fail(Errc::kInvalid, path + " has " + std::to_string(*size) + " bytes");
  }
  return Image{std::move(*file), *size};
}

Reply Disk::execute(const Request& request) {
  const bool reads = request.operation == Operation::kRead;
  const RangeLock::Guard claim(sectors_, round_out(request.range, kSectorBytes),
                               reads ? RangeLock::Kind::kShared : RangeLock::Kind::kExclusive);
  Decision decision;
  {
    const std::lock_guard lock(mutex_);
    decision = decide(state_.mode, state_.map, request);
  }
  return reads ? read(decision) : change(request, decision);
}

Reply Disk::refuse(const Request& request) {
  if (request.operation == Operation::kRead) {
    return {EIO, {}};
  }
  // The answer is the same if the record cannot be written: nothing has reached the image.
  (void)record(request, kTraceRefused, EIO);
  return {EIO, {}};
}

Reply Disk::read(const Decision& decision) {
  if (decision.error != 0) {
    return {decision.error, {}};
  }
  const ByteRange& part = decision.parts.front();
  Reply reply{0, std::vector<std::byte>(part.length)};
  if (const auto done = read_exactly(setup_.image.file.get(), reply.data, part.offset); !done) {
    return {errno_of(done.error()), {}};
  }
  return reply;
}

Reply Disk::change(const Request& request, const Decision& decision) {
  const int flags = (decision.touched_poison ? kTraceTouchedPoison : 0) | (decision.cures ? kTraceCured : 0) |
                    (decision.lies ? kTraceLied : 0);
  if (const auto recorded = record(request, static_cast<std::uint16_t>(flags), decision.error); !recorded) {
    return {EIO, {}};
  }
  if (decision.error != 0) {
    return {decision.error, {}};
  }
  auto done = update_list(decision);
  if (done) {
    done = apply(request, decision.parts);
  }
  if (!done) {
    const int error = errno_of(done.error());
    // Without this record the trace still names the request as one that may have been written.
    (void)record(request, kTraceBackingFailed, error);
    return {error, {}};
  }
  return {};
}

Status Disk::apply(const Request& request, const std::vector<ByteRange>& parts) {
  const int file = setup_.image.file.get();
  for (const ByteRange& part : parts) {
    const auto done =
        request.operation == Operation::kWrite
            ? write_exactly(file, request.data.subspan(part.offset - request.range.offset, part.length), part.offset)
            : zero(file, part);
    if (!done) {
      return done;
    }
  }
  return {};
}

// Poison goes if the decision says so; phantoms go with every sector that is changed whole, as the kernel clears its
// list on each write that the driver calls good.
Status Disk::update_list(const Decision& decision) {
  std::vector<ByteRange> whole;
  {
    const std::lock_guard lock(mutex_);
    for (const ByteRange& part : decision.parts) {
      const ByteRange sectors = round_in(part, kSectorBytes);
      if (decision.cures || state_.map.phantoms().overlaps(sectors)) {
        whole.push_back(sectors);
      }
    }
  }
  if (whole.empty()) {
    return {};
  }
  return update([&](State& state) {
    const bool returns = state.mode.recur.count() > 0;
    const auto returns_at = returns ? std::optional(setup_.clock.steady() + state.mode.recur) : std::nullopt;
    for (const ByteRange& sectors : whole) {
      state.map.cure(sectors, returns_at);
    }
  });
}

Status Disk::record(const Request& request, std::uint16_t flags, int error) {
  TraceRecord entry;
  entry.operation = request.operation;
  entry.flags = flags;
  entry.error = static_cast<std::uint32_t>(error);
  entry.range = request.range;
  entry.digest = request.operation == Operation::kWrite ? digest(request.data) : 0;
  return setup_.trace.append(entry);
}

Status Disk::edit(const std::vector<ListEdit>& edits) {
  const RangeLock::Guard claim(sectors_, {0, bytes()}, RangeLock::Kind::kExclusive);
  std::vector<ByteRange> lost;
  const auto edited = update([&](State& state) {
    for (const ListEdit& edit : edits) {
      switch (edit.kind) {
        case ListEdit::Kind::kPoison:
          state.map.poison(edit.range);
          lost.push_back(edit.range);
          break;
        case ListEdit::Kind::kPhantom:
          state.map.add_phantom(edit.range);
          break;
        case ListEdit::Kind::kRemove:
          state.map.remove(edit.range);
          break;
      }
    }
  });
  return edited ? scramble(lost) : edited;
}

Status Disk::bring_back_due() {
  const RangeLock::Guard claim(sectors_, {0, bytes()}, RangeLock::Kind::kExclusive);
  std::vector<ByteRange> lost;
  const auto updated = update([&](State& state) { lost = state.map.take_due(setup_.clock.steady()); });
  return updated ? scramble(lost) : updated;
}

// After the list is stored: the other order could leave junk that no list names.
Status Disk::scramble(const std::vector<ByteRange>& ranges) {
  if (ranges.empty() || !mode().scramble) {
    return {};
  }
  const std::string junk = make_junk();
  for (const ByteRange& range : ranges) {
    for (std::uint64_t at = range.offset; at < range.end(); at += kScrambleChunk) {
      const auto piece = std::as_bytes(std::span(junk)).first(std::min(kScrambleChunk, range.end() - at));
      if (auto written = write_exactly(setup_.image.file.get(), piece, at); !written) {
        return written;
      }
    }
  }
  return {};
}

Status Disk::set_mode(std::string_view words) {
  Status status;
  const auto saved = update([&](State& state) {
    const auto next = parse_mode(state.mode, words);
    if (next) {
      state.mode = *next;
    } else {
      status = tl::make_unexpected(next.error());
    }
  });
  return status ? saved : status;
}

Status Disk::update(const std::function<void(State&)>& edit) {
  bool announce = false;
  std::optional<SteadyTime> pending;
  {
    const std::lock_guard lock(mutex_);
    State next = state_;
    edit(next);
    if (next == state_) {
      return {};
    }
    if (auto saved = setup_.directory.save(next, bytes(), Now::of(setup_.clock)); !saved) {
      return saved;
    }
    announce = !next.mode.silent && next.map.listed(1, bytes()) != state_.map.listed(1, bytes());
    if (next.map.next_return() != state_.map.next_return()) {
      pending = next.map.next_return();
    }
    state_ = std::move(next);
  }
  if (announce) {
    setup_.events.list_changed();
  }
  if (pending) {
    setup_.events.return_pending(*pending);
  }
  return {};
}

Mode Disk::mode() const {
  const std::lock_guard lock(mutex_);
  return state_.mode;
}

std::optional<SteadyTime> Disk::next_return() const {
  const std::lock_guard lock(mutex_);
  return state_.map.next_return();
}

std::string Disk::badblocks_text() const {
  const std::lock_guard lock(mutex_);
  const auto entries = state_.map.listed(state_.mode.list_unit, bytes());
  return kernel::format_badblocks(
      entries, state_.mode.list == ListForm::kFull ? std::string::npos : kernel::kBadblocksTextLimit);
}

std::string Disk::poison_text() const {
  const std::lock_guard lock(mutex_);
  return state_.map.describe(setup_.clock.steady());
}

}  // namespace pmend::medium
