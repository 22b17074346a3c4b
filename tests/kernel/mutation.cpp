// SPDX-License-Identifier: Apache-2.0
#include "kernel/mutation.hpp"

#include "pmend/base/unique_fd.hpp"
#include "support/must.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace pmend::world {
namespace {

constexpr std::uint64_t kBadPage = kVictimBad.offset / kVictimPage * kVictimPage;
constexpr ByteRange kStored = {kBadPage + 2048, 64};  // in the bad page, beside the bad sector
constexpr int kGotEio = 5;
constexpr ByteRange kStoredBeside = {kBadPage + kVictimPage, 64};

int open_for_writing(const std::string& path) {
  return must(open_file(path, O_RDWR)).release();  // for the rest of a short process
}

void write_letters(int fd, const ByteRange& range, char letter) {
  must(write_exactly(fd, std::vector<std::byte>(range.length, static_cast<std::byte>(letter)), range.offset));
  must_call(fsync(fd), "fsync");
}

// Less than a block: the kernel must read the rest of it first.
void write_one_byte(const std::string& path) {
  const int fd = open_for_writing(path);
  const char letter = 'P';
  if (pwrite(fd, &letter, 1, kStored.offset) != 1) {
    _exit(errno == EIO ? kGotEio : 1);
  }
  must_call(fsync(fd), "fsync");
}

// A second owner of the bad block, where the file system has that.
void clone_file(const std::string& path) {
  const UniqueFd source = must(open_file(path, O_RDONLY));
  const UniqueFd clone = must(open_file(path + ".clone", O_WRONLY | O_CREAT | O_TRUNC));
  if (ioctl(clone.get(), FICLONE, source.get()) < 0 && errno != EOPNOTSUPP) {
    _exit(1);
  }
}

void store_letters(const std::string& path, const ByteRange& range, char letter) {
  void* file = mmap(nullptr, kVictimBytes, PROT_READ | PROT_WRITE, MAP_SHARED, open_for_writing(path), 0);
  std::memset(static_cast<char*>(file) + range.offset, letter, range.length);
}

void fill(ExpectedBytes& bytes, const ByteRange& range, char value) {
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(range.offset), range.length, static_cast<std::byte>(value));
}

void truncate_before_bad(const std::string& path) {
  must_call(truncate(path.c_str(), kBadPage), "truncate");
}

void overwrite_bad_page(const std::string& path) {
  write_letters(open_for_writing(path), {kBadPage, kVictimPage}, 'W');
}

void write_beside(const std::string& path) {
  write_letters(open_for_writing(path), kStoredBeside, 'B');
}

void punch_bad_page(const std::string& path) {
  must_call(fallocate(open_for_writing(path), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kBadPage, kVictimPage),
            "fallocate");
}

void rename_over(const std::string& path) {
  const std::string other = path + ".new";
  write_letters(must(open_file(other, O_RDWR | O_CREAT)).release(), {0, kVictimBytes}, 'O');
  must_call(rename(other.c_str(), path.c_str()), "rename");
}

}  // namespace

const std::vector<Mutation>& mutations() {
  static const std::vector<Mutation> all{
      {"truncated", truncate_before_bad, true, [](ExpectedBytes& bytes) { bytes.resize(kBadPage); }},
      {"overwritten", overwrite_bad_page, false,
       [](ExpectedBytes& bytes) {
         fill(bytes, {kBadPage, kVictimPage}, 'W');
       }},
      {"written beside", write_beside, false, [](ExpectedBytes& bytes) { fill(bytes, kStoredBeside, 'B'); }},
      {"stored through a mapping", [](const std::string& path) { store_letters(path, kStored, 'M'); }, false,
       [](ExpectedBytes& bytes) { fill(bytes, kStored, 'M'); }},
      {"stored beside through a mapping", [](const std::string& path) { store_letters(path, kStoredBeside, 'N'); },
       false, [](ExpectedBytes& bytes) { fill(bytes, kStoredBeside, 'N'); }},
      {"written one byte in the page", write_one_byte, false,
       [](ExpectedBytes& bytes) {
         fill(bytes, {kStored.offset, 1}, 'P');
       }},
      {"cloned", clone_file, false, [](ExpectedBytes&) {}},
      {"punched", punch_bad_page, true,
       [](ExpectedBytes& bytes) {
         fill(bytes, {kBadPage, kVictimPage}, 0);
       }},
      {"deleted", [](const std::string& path) { must_call(unlink(path.c_str()), "unlink"); }, true,
       [](ExpectedBytes& bytes) { bytes.clear(); }},
      {"renamed over", rename_over, true,
       [](ExpectedBytes& bytes) {
         fill(bytes, {0, kVictimBytes}, 'O');
       }},
  };
  return all;
}

std::vector<int> boundaries_of(std::size_t nth, int last) {
  const int stride = std::getenv("PMEND_LONG") != nullptr ? 1 : 3;
  std::vector<int> chosen;
  for (int n = 1 + static_cast<int>(nth) % stride; n <= last; n += stride) {
    chosen.push_back(n);
  }
  return chosen;
}

Change::Change(const Mutation& mutation, const std::string& path)
    : name_(mutation.name), pid_(must_call(fork(), "fork")) {
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    mutation.change(path);
    _exit(0);
  }
  siginfo_t info{};
  for (int i = 0; i < 20 && info.si_pid == 0; ++i) {
    usleep(5000);
    must_call(waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT), "waitid");
  }
}

Change::~Change() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    (void)waitpid(pid_, nullptr, 0);
  }
}

bool Change::done() {
  int status = 0;
  must_call(waitpid(pid_, &status, 0), "waitpid");
  pid_ = 0;
  const bool met_bad_page =
      WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS : WIFEXITED(status) && WEXITSTATUS(status) == kGotEio;
  if (status != 0 && !met_bad_page) {
    throw Failure(name_ + ": it ended with wait status " + std::to_string(status));
  }
  return status == 0;
}

void expect_content(const std::string& path, const ExpectedBytes& expected) {
  struct stat status = {};
  must_call(stat(path.c_str(), &status), "stat");
  ASSERT_EQ(static_cast<std::uint64_t>(status.st_size), expected.size());
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  (void)posix_fadvise(fd.get(), 0, 0, POSIX_FADV_RANDOM);
  for (std::uint64_t at = 0; at < expected.size(); at += kVictimPage) {
    std::vector<std::byte> page(std::min(kVictimPage, expected.size() - at));
    if (!read_exactly(fd.get(), page, at)) {
      EXPECT_EQ(at, kBadPage) << "only the bad page may be unreadable";
      continue;
    }
    for (std::size_t i = 0; i < page.size(); ++i) {
      if (expected[at + i]) {
        ASSERT_EQ(page[i], *expected[at + i]) << "byte " << at + i;
      }
    }
  }
}

}  // namespace pmend::world
