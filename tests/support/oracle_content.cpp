// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "support/must.hpp"
#include "support/oracle.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

namespace pmend::world {
namespace {

constexpr std::uint64_t kChunk = 1U << 20U;

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};

// One way of reading a file. A piece that fails is read again in ever smaller pieces down to `grain`, so that one bad
// sector hides no more than it must.
class View {
 public:
  enum class Kind { kCached, kDirect };
  View(Kind kind, const std::string& path, std::uint64_t grain)
      : kind_(kind),
        fd_(must(open_file(path, kind == Kind::kDirect ? O_RDONLY | O_DIRECT : O_RDONLY))),
        grain_(grain),
        memory_(static_cast<std::byte*>(std::aligned_alloc(4096, kChunk))) {
    // No readahead: one bad sector would fail a whole folio of good neighbours.
    posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_RANDOM);
  }

  std::string name() const { return is_direct() ? "direct" : "cached"; }
  bool is_direct() const { return kind_ == Kind::kDirect; }
  std::uint64_t grain() const { return grain_; }

  // The bytes at `range`, cut at the end of the file; nothing if they cannot be read.
  std::optional<std::span<const std::byte>> read(const ByteRange& range) const {
    const ssize_t n = pread(fd_.get(), memory_.get(), range.length, static_cast<off_t>(range.offset));
    if (n < 0 && errno != EIO) {
      throw Failure(fail_errno("read " + to_string(range)).value().message());
    }
    if (n < 0) {
      return std::nullopt;
    }
    return std::span<const std::byte>(memory_.get(), static_cast<std::size_t>(n));
  }

 private:
  Kind kind_;
  UniqueFd fd_;
  std::uint64_t grain_;
  std::unique_ptr<std::byte, FreeDeleter> memory_;
};

// False where O_DIRECT is silently served from the page cache (ext4 data=journal; statx(2), STATX_DIOALIGN).
bool has_direct_io(const std::string& path) {
  struct statx facts {};
  must_call(statx(AT_FDCWD, path.c_str(), 0, STATX_DIOALIGN, &facts), "statx " + path);
  return (facts.stx_mask & STATX_DIOALIGN) == 0 || facts.stx_dio_mem_align != 0;
}

// Of the device below, in bytes: direct reads take whole ones.
std::uint64_t logical_block_of(const std::string& path) {
  struct stat status {};
  must_call(stat(path.c_str(), &status), "stat " + path);
  const std::string device =
      "/sys/dev/block/" + std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev));
  for (const char* queue : {"/queue", "/../queue"}) {  // a partition has its disk's
    if (auto text = read_text_file(device + queue + "/logical_block_size")) {
      text->erase(text->find_last_not_of('\n') + 1);
      return must(parse_u64(*text));
    }
  }
  throw Failure("no queue of " + device);
}

class ContentComparison {
 public:
  ContentComparison(const FileModel& file, std::vector<Difference>& found) : file_(file), found_(found) {}

  void run(const View& view) {
    view_ = &view;
    for (std::uint64_t offset = 0; offset < file_.size; offset += kChunk) {
      compare_piece({offset, kChunk});
    }
  }

 private:
  void compare_piece(const ByteRange& piece) {
    const ByteRange inside = *intersect(piece, {0, file_.size});
    const auto bytes = view_->read(piece);
    const bool whole = bytes && bytes->size() == inside.length;
    const bool decided = whole && !file_.unreadable.overlaps(round_out(inside, view_->grain()));
    if (decided) {
      compare_bytes(*bytes, inside.offset);
      return;
    }
    if (piece.length > view_->grain()) {
      split(piece);
      return;
    }
    judge_grain(inside, whole ? bytes : std::nullopt);
  }

  void split(const ByteRange& piece) {
    const std::uint64_t step = std::max(view_->grain(), piece.length / 16);
    for (std::uint64_t offset = piece.offset; offset < std::min(piece.end(), file_.size); offset += step) {
      compare_piece({offset, step});
    }
  }

  // The smallest piece, of which some may have to be unreadable.
  void judge_grain(const ByteRange& inside, std::optional<std::span<const std::byte>> bytes) {
    const bool must_fail = file_.unreadable.overlaps(round_out(inside, view_->grain()));
    if (!bytes && !must_fail) {
      add(Wrong::kUnreadable, inside, "expected data, got an error");
    } else if (bytes && must_fail && view_->is_direct()) {
      add(Wrong::kReadable, inside, "expected an error, got " + describe_bytes(*bytes));
    } else if (bytes && !must_fail) {
      compare_bytes(*bytes, inside.offset);
    }
    // A buffered read that works over a bad sector is the page cache's good copy: as it should be.
  }

  void compare_bytes(std::span<const std::byte> actual, std::uint64_t offset) {
    std::vector<std::byte> expected(actual.size());
    file_.expected_bytes(expected, offset);
    if (std::memcmp(expected.data(), actual.data(), actual.size()) == 0) {
      return;
    }
    for (std::size_t i = 0; i < actual.size();) {
      const std::size_t length = std::min<std::size_t>(kSectorBytes, actual.size() - i);
      compare_sector(std::span(expected).subspan(i, length), actual.subspan(i, length), offset + i);
      i += length;
    }
  }

  void compare_sector(std::span<const std::byte> expected, std::span<const std::byte> actual, std::uint64_t offset) {
    const auto differs = [&](std::size_t i) { return expected[i] != actual[i]; };
    std::size_t first = 0;
    while (first < actual.size() && !differs(first)) {
      ++first;
    }
    if (first == actual.size()) {
      return;
    }
    std::size_t last = actual.size() - 1;
    while (!differs(last)) {
      --last;
    }
    const bool zeros = std::all_of(actual.begin(), actual.end(), [](std::byte b) { return b == std::byte{0}; });
    add(zeros ? Wrong::kLost : Wrong::kByte, {offset + first, last - first + 1},
        "expected " + describe_bytes(expected) + ", got " + describe_bytes(actual));
  }

  void add(Wrong wrong, const ByteRange& range, const std::string& what) {
    const std::string text = view_->name() + " read: " + what;
    if (!found_.empty()) {
      Difference& last = found_.back();
      const bool continues = last.path == file_.name() && last.wrong == wrong && last.range.end() == range.offset &&
                             last.what.starts_with(view_->name());
      if (continues) {
        last.range.length += range.length;
        return;
      }
    }
    found_.push_back({wrong, file_.name(), range, text});
  }

  const FileModel& file_;
  std::vector<Difference>& found_;
  const View* view_ = nullptr;
};

}  // namespace

std::vector<Difference> compare_content(const Tree& tree, const FileModel& file) {
  std::vector<Difference> found;
  ContentComparison comparison(file, found);
  comparison.run(View(View::Kind::kCached, tree.path(file), 4096));
  if (has_direct_io(tree.path(file))) {
    comparison.run(View(View::Kind::kDirect, tree.path(file), logical_block_of(tree.path(file))));
  }
  return found;
}

}  // namespace pmend::world
