// SPDX-License-Identifier: Apache-2.0
// For how long those who write to a file system wait when pmend freezes it: fsync'd writes of 4 KiB, one after the
// other, while nothing happens and while files in use are repaired: `pmend-freeze-stall [COUNT]`. Exit 77 where it
// cannot run.
#include "bench/figures.hpp"
#include "pmend/base/text.hpp"
#include "support/chain.hpp"
#include "support/mounts.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <thread>

namespace pmend::world {
namespace {

using std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::uint64_t kDefaultCount = 50;
constexpr std::uint64_t kBlock = 4096;
constexpr std::chrono::seconds kUndisturbed{2};

PolicyFile freezing_policy() {
  return {"10-freeze.json", R"({"limits": {"repairs_per_hour": 100000, "storm_incidents_per_hour": 100000}, "rules": [
    {"name": "freezes", "then": {"action": "repair", "methods": ["frozen-write"]}}]})"};
}

// Writes and syncs as fast as it can until it is stopped.
class Writer {
 public:
  explicit Writer(const std::string& path) : thread_([this, path] { write_on(path); }) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    if (thread_.joinable()) {
      stop();
    }
  }

  // How long each write took, in milliseconds.
  std::vector<double> stop() {
    stopped_ = true;
    thread_.join();
    return std::move(took_);
  }

 private:
  void write_on(const std::string& path) {
    const UniqueFd fd = must(open_file(path, O_WRONLY | O_CREAT));
    const std::vector<std::byte> block(kBlock, std::byte{1});
    while (!stopped_) {
      const auto start = steady_clock::now();
      must(write_exactly(fd.get(), block, 0));
      must_call(fsync(fd.get()), "fsync");
      took_.push_back(Milliseconds(steady_clock::now() - start).count());
    }
  }

  std::atomic<bool> stopped_ = false;
  std::vector<double> took_;
  std::thread thread_;
};

void print(const std::string& fs, const char* when, const std::vector<double>& took) {
  std::printf("%-4s %-12s n=%zu: fsync'd 4 KiB write median %.2f ms, p95 %.2f, p99 %.2f, longest %.1f ms\n", fs.c_str(),
              when, took.size(), percentile(took, 0.5), percentile(took, 0.95), percentile(took, 0.99),
              percentile(took, 1));
}

void measure(FsType type, std::uint64_t count) {
  World world({.fs = {.type = type}, .standard_files = false});
  for (std::uint64_t i = 0; i < count; ++i) {
    world.tree().add_file("file" + std::to_string(i), 4 * kBlock);
  }
  world.settle();
  Chain chain({&world}, {freezing_policy()});
  chain.start();
  const std::string beside = world.fs().mount_point() + "/beside";
  const std::string name = to_string(FsOptions{.type = type});
  Writer undisturbed(beside);
  std::this_thread::sleep_for(kUndisturbed);
  print(name, "undisturbed", undisturbed.stop());
  Writer writer(beside);
  std::vector<UniqueFd> users;
  for (std::uint64_t i = 0; i < count; ++i) {
    const FileModel& file = world.tree().file("file" + std::to_string(i));
    users.push_back(must(open_file(world.tree().path(file), O_RDONLY)));
    const ByteRange bad = world.device_range(file, {kBlock, 512});
    world.medium().poison(bad);
    chain.wait_for_state(world.loop().node(), bad, "repaired");
  }
  print(name, "with freezes", writer.stop());
  std::printf("%-4s %llu freezes\n", name.c_str(), static_cast<unsigned long long>(count));
}

int run(std::uint64_t count) {
  if (const auto reason = World::unavailable()) {
    std::fprintf(stderr, "freeze_stall: cannot run here: %s\n", reason->c_str());
    return 77;
  }
  enter_private_mount_namespace();
  for (const FsType type : {FsType::kXfs, FsType::kExt4}) {
    measure(type, count);
  }
  return 0;
}

}  // namespace
}  // namespace pmend::world

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    const auto count = argc > 1 ? pmend::parse_u64(argv[1]) : pmend::world::kDefaultCount;
    return count && *count > 0 ? pmend::world::run(*count) : 64;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "freeze_stall: %s\n", error.what());
    return 1;
  }
}
