// SPDX-License-Identifier: Apache-2.0
// From the notification of a bad sector to its proven repair, for one page at a time, beside an fsync'd write of 4 KiB
// to the same file system, taken in turns in one run: `pmend-latency [COUNT]`. Exit 77 where it cannot run.
#include "bench/figures.hpp"
#include "ctl/client.hpp"
#include "pmend/base/text.hpp"
#include "support/chain.hpp"
#include "support/mounts.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>

namespace pmend::world {
namespace {

using std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::uint64_t kDefaultCount = 50;
constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kBurst = 200;
constexpr std::chrono::seconds kLimit{120};

// Hears from pmend, over D-Bus, when incidents get repaired.
class Ear {
 public:
  explicit Ear(const std::string& bus) {
    std::promise<void> ready;
    auto is_ready = ready.get_future();
    thread_ = std::thread([this, bus, &ready] { listen(bus, ready); });
    is_ready.wait();
  }
  // The thread ends with the bus: destroy the chain first.
  ~Ear() { thread_.join(); }
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  // When the next one after the first `count` was told.
  steady_clock::time_point wait_for_repair(std::size_t count) {
    std::unique_lock lock(mutex_);
    if (!told_.wait_for(lock, kLimit, [&] { return repaired_.size() > count; })) {
      throw Failure("no repair was told");
    }
    return repaired_[count];
  }

 private:
  void listen(const std::string& bus, std::promise<void>& ready) {
    ctl::Options options;
    options.bus = {cli::Bus::Kind::kAddress, bus};
    auto client = ctl::Client::connect(options);
    if (!client) {
      ready.set_value();
      return;
    }
    const auto ended = client->watch({[&ready] { ready.set_value(); },
                                      [this](IncidentId, const std::string&, const std::string& state) {
                                        if (state == "repaired") {
                                          const std::scoped_lock lock(mutex_);
                                          repaired_.push_back(steady_clock::now());
                                          told_.notify_one();
                                        }
                                        return true;
                                      },
                                      [](bool present) { return present; }});
    static_cast<void>(ended);  // it ends with pmend
  }

  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<steady_clock::time_point> repaired_;
  std::thread thread_;
};

double synced_write(const std::string& path, const std::vector<std::byte>& block) {
  const UniqueFd fd = must(open_file(path, O_WRONLY | O_CREAT));
  const auto start = steady_clock::now();
  must(write_exactly(fd.get(), block, 0));
  must_call(fsync(fd.get()), "fsync");
  return Milliseconds(steady_clock::now() - start).count();
}

enum class Cache { kCold, kWarm };

void measure(FsType type, Cache cache, std::uint64_t count) {
  World world({.fs = {.type = type}, .standard_files = false});
  for (std::uint64_t i = 0; i < count; ++i) {
    world.tree().add_file("file" + std::to_string(i), 4 * kBlock);
  }
  world.tree().add_file("beside", kBlock);
  world.settle();
  world.medium().set_mode("write=clear");
  auto chain = std::make_unique<Chain>(std::vector<World*>{&world}, std::vector<PolicyFile>{repair_all_policy()});
  chain->start();
  auto ear = std::make_unique<Ear>(chain->bus_address());
  std::vector<double> repairs;
  std::vector<double> writes;
  const std::vector<std::byte> block(kBlock, std::byte{1});
  for (std::uint64_t i = 0; i < count; ++i) {
    const FileModel& file = world.tree().file("file" + std::to_string(i));
    if (cache == Cache::kWarm) {
      world.read_whole(file);
    }
    writes.push_back(synced_write(world.fs().mount_point() + "/beside", block));
    const auto start = steady_clock::now();
    world.medium().poison(world.device_range(file, {kBlock, 512}));
    repairs.push_back(Milliseconds(ear->wait_for_repair(i) - start).count());
  }
  chain.reset();
  ear.reset();
  const double repair = percentile(repairs, 0.5);
  const double write = percentile(writes, 0.5);
  std::printf(
      "%-4s %-7s n=%zu: notice to proven repair median %.1f ms, p95 %.1f ms; fsync'd 4 KiB write median %.1f ms, "
      "p95 %.1f ms; difference %.1f ms, ratio %.1f\n",
      to_string(FsOptions{.type = type}).c_str(), cache == Cache::kWarm ? "redirty" : "rewrite", repairs.size(), repair,
      percentile(repairs, 0.95), write, percentile(writes, 0.95), repair - write, repair / write);
}

// User and system time of a process, without its children.
Milliseconds cpu_of(pid_t pid) {
  const std::string text = must(read_text_file("/proc/" + std::to_string(pid) + "/stat"));
  std::istringstream fields(text.substr(text.rfind(')') + 2));  // from field 3 on, proc_pid_stat(5)
  std::string skipped;
  for (int field = 3; field < 14; ++field) {
    fields >> skipped;
  }
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return Milliseconds((user + system) * 1000 / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

// As many bad sectors at once, each in a block of its own of one file.
void measure_burst(FsType type, std::uint64_t sectors) {
  World world({.fs = {.type = type}, .standard_files = false});
  const FileModel& file = world.tree().add_file("file", sectors * kBlock);
  world.settle();
  world.medium().set_mode("write=clear");
  PolicyFile policy = repair_all_policy();
  policy.text.insert(policy.text.rfind("storm_incidents_per_hour") - 1, R"("open_incidents_per_device": 1000000, )");
  auto chain = std::make_unique<Chain>(std::vector<World*>{&world}, std::vector<PolicyFile>{policy});
  chain->start();
  auto ear = std::make_unique<Ear>(chain->bus_address());
  std::vector<ByteRange> bad;
  for (std::uint64_t i = 0; i < sectors; ++i) {
    bad.push_back(world.device_range(file, {i * kBlock + 512, 512}));
  }
  const auto cpu = cpu_of(chain->pmend().pid());
  const auto start = steady_clock::now();
  world.medium().poison(bad);
  Milliseconds all_found{0};
  std::size_t incidents = 0;
  for (RangeSet left(bad); !left.empty();) {
    const auto all = chain->incidents();
    for (const auto& incident : all) {
      left.erase(range_of(incident));
    }
    incidents = all.size();
    all_found = steady_clock::now() - start;
  }
  const Milliseconds all_repaired = ear->wait_for_repair(incidents - 1) - start;
  std::printf(
      "%-4s %zu bad sectors at once, %zu incidents: all found after %.0f ms, repaired and proven after %.0f ms; CPU "
      "time of pmend %.0f ms\n",
      to_string(FsOptions{.type = type}).c_str(), static_cast<std::size_t>(sectors), incidents, all_found.count(),
      all_repaired.count(), (cpu_of(chain->pmend().pid()) - cpu).count());
  chain.reset();
  ear.reset();
}

int run(std::uint64_t count) {
  if (const auto reason = World::unavailable()) {
    std::fprintf(stderr, "latency: cannot run here: %s\n", reason->c_str());
    return 77;
  }
  enter_private_mount_namespace();
  for (const FsType type : {FsType::kXfs, FsType::kExt4}) {
    for (const Cache cache : {Cache::kWarm, Cache::kCold}) {
      measure(type, cache, count);
    }
    measure_burst(type, kBurst);
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
    std::fprintf(stderr, "latency: %s\n", error.what());
    return 1;
  }
}
