// SPDX-License-Identifier: Apache-2.0
// Repairs of files that others read, map and write all the time.
#include "kernel/kernel_test.hpp"
#include "kernel/repair/exchange_world.hpp"
#include "pmend/base/unique_fd.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

namespace pmend::world {
namespace {

using ::testing::IsEmpty;

constexpr int kFiles = 30;
constexpr std::uint64_t kFileBytes = 64 * 4096;
constexpr int kMostAttempts = 20;

std::string name_of_file(int number) {
  return "hammered" + std::to_string(number);
}

// A process that does something to all files, again and again, until it is killed. Errors are what it has to live with.
class Hammer {
 public:
  Hammer(const std::string& directory, void (*stroke)(const std::string& path, unsigned round))
      : pid_(must_call(fork(), "fork")) {
    if (pid_ != 0) {
      return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned round = 0;; ++round) {
      for (int i = 0; i < kFiles; ++i) {
        stroke(directory + "/" + name_of_file(i), round);
      }
    }
  }
  Hammer(const Hammer&) = delete;
  Hammer& operator=(const Hammer&) = delete;
  ~Hammer() {
    kill(pid_, SIGKILL);
    (void)waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

void read_all(const std::string& path, unsigned) {
  const auto fd = open_file(path, O_RDONLY);
  std::array<std::byte, 16384> buffer{};
  for (std::uint64_t at = 0; fd && at < kFileBytes; at += buffer.size()) {
    (void)!pread(fd->get(), buffer.data(), buffer.size(), static_cast<off_t>(at));
  }
}

// In a child: a bad page kills.
void read_mapped(const std::string& path, unsigned) {
  const pid_t child = fork();
  if (child == 0) {
    const auto fd = open_file(path, O_RDONLY);
    void* mapped = fd ? mmap(nullptr, kFileBytes, PROT_READ, MAP_SHARED, fd->get(), 0) : MAP_FAILED;
    volatile unsigned char sum = 0;
    for (std::uint64_t at = 0; mapped != MAP_FAILED && at < kFileBytes; at += 512) {
      sum = static_cast<unsigned char>(sum + static_cast<const unsigned char*>(mapped)[at]);
    }
    _exit(0);
  }
  (void)waitpid(child, nullptr, 0);
}

// Writes the byte that is there, so that what must be in the file stays known. The bad sectors are elsewhere in the
// page.
void write_bytes_back(const std::string& path, unsigned round) {
  const auto fd = open_file(path, O_RDWR);
  for (std::uint64_t page = round % 4; fd && page < kFileBytes / 4096; page += 4) {
    std::byte byte{};
    const auto at = static_cast<off_t>(page * 4096 + 100);
    if (pread(fd->get(), &byte, 1, at) == 1) {
      (void)!pwrite(fd->get(), &byte, 1, at);
    }
  }
  if (fd && round % 8 == 0) {
    (void)fsync(fd->get());
  }
}

// Stores the word that is there, in a child: a bad page kills.
void store_mapped(const std::string& path, unsigned round) {
  const pid_t child = fork();
  if (child == 0) {
    const auto fd = open_file(path, O_RDWR);
    void* mapped = fd ? mmap(nullptr, kFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0) : MAP_FAILED;
    for (std::uint64_t page = round % 8; mapped != MAP_FAILED && page < kFileBytes / 4096; page += 8) {
      auto* word = static_cast<std::uint32_t*>(mapped) + (page * 4096 + 200) / sizeof(std::uint32_t);
      __atomic_exchange_n(word, *word, __ATOMIC_SEQ_CST);
    }
    _exit(0);
  }
  (void)waitpid(child, nullptr, 0);
  usleep(3000);
}

void drop(const std::string& path, unsigned) {
  if (const auto fd = open_file(path, O_RDONLY)) {
    (void)posix_fadvise(fd->get(), 0, 0, POSIX_FADV_DONTNEED);
  }
  usleep(2000);
}

void read_and_drop(const std::string& path, unsigned round) {
  read_all(path, round);
  drop(path, round);
}

using Way = std::pair<FsType, std::vector<Method>>;

std::string name_of_way(const Way& way) {
  const char* only = way.second.front() == Method::kExchange ? "_exchange" : "_frozen";
  return std::string(way.first == FsType::kXfs ? "xfs" : "ext4") + (way.second.size() == 1 ? only : "_any");
}

const std::vector<Method> kAny{Method::kRedirty, Method::kRewrite, Method::kFrozenWrite};
const std::vector<Method> kFrozen{Method::kFrozenWrite};
const std::vector<Method> kExchange{Method::kExchange};

class RepairUnderUse : public KernelTest, public ::testing::WithParamInterface<Way> {};

TEST_P(RepairUnderUse, NoWrongByteComesOfIt) {
  const bool exchange = GetParam().second == kExchange;
  if (const auto reason = exchange_unavailable(); reason && exchange) {
    GTEST_SKIP() << *reason;
  }
  WorldOptions options;
  options.fs.type = GetParam().first;
  options.fs.exchange = exchange;
  options.standard_files = false;
  RepairBench bench(options);
  for (int i = 0; i < kFiles; ++i) {
    bench.world().tree().add_file(name_of_file(i), kFileBytes);
  }
  bench.world().settle();
  bench.world().medium().set_mode("write=clear");
  bench.methods = GetParam().second;
  const std::string directory = bench.world().fs().mount_point();
  std::map<Method, int> used;
  {
    const Hammer reader(directory, read_and_drop);
    const Hammer mapper(directory, read_mapped);
    const Hammer writer(directory, write_bytes_back);
    const Hammer storer(directory, store_mapped);
    for (int i = 0; i < kFiles; ++i) {
      SCOPED_TRACE(i);
      FileModel& file = bench.file(name_of_file(i));
      const ByteRange bad_in_file{static_cast<std::uint64_t>(i) * 4096 + 1024, 512};
      const ByteRange bad = bench.world().device_range(file, bad_in_file);
      bench.world().medium().poison(bad);
      for (int attempt = 0; attempt < kMostAttempts && !bench.world().medium().poisoned().empty(); ++attempt) {
        const repair::Place& place = bench.place();
        const auto reply = repair::plan_repair(place, bench.request_for({bad}));
        if (!reply.plan) {
          continue;
        }
        const auto told = bench.run(bench.repair_request(reply));
        bench.declare_lost(file, told.reply.manifest);
        used[reply.plan->method] += told.reply.outcome == Outcome::kSucceeded ? 1 : 0;
      }
      EXPECT_THAT(bench.world().medium().poisoned(), IsEmpty());
      bench.world().medium().unpoison(bad);
    }
  }
  bench.close();
  for (FileModel* file : bench.world().tree().files()) {
    if (exchange) {  // that is what it does
      file->extents = must(kernel::fiemap(must(open_file(bench.world().tree().path(*file), O_RDONLY)).get()));
    }
  }
  EXPECT_THAT(wrong_beside_quarantine(bench), IsEmpty());
  std::string text;
  for (const auto& [method, count] : used) {
    text += std::string(to_string(method)) + " " + std::to_string(count) + " ";
  }
  RecordProperty("methods", text);
  std::printf("methods: %s\n", text.c_str());
}

INSTANTIATE_TEST_SUITE_P(Kernel, RepairUnderUse,
                         ::testing::Values(Way(FsType::kXfs, kAny), Way(FsType::kXfs, kFrozen),
                                           Way(FsType::kExt4, kAny), Way(FsType::kExt4, kFrozen),
                                           Way(FsType::kXfs, kExchange)),
                         [](const auto& param_info) { return name_of_way(param_info.param); });

}  // namespace
}  // namespace pmend::world
