// SPDX-License-Identifier: Apache-2.0
// What it costs others that pmend runs: files are created, written, closed and unlinked on a file system whose device
// pmend watches and whose index it keeps, by default and with "index_hints", and on the same without pmend, in turns:
// `pmend-watch-cost [FILES [ROUNDS]]`. Exit 77 where it cannot run.
#include "bench/figures.hpp"
#include "pmend/base/text.hpp"
#include "support/chain.hpp"
#include "support/mounts.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>

namespace pmend::world {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kDefaultFiles = 10'000;
constexpr std::uint64_t kDefaultRounds = 15;
constexpr std::uint64_t kBlock = 4096;

double seconds_of_churn(const std::string& directory, std::uint64_t files) {
  const std::vector<std::byte> block(kBlock, std::byte{1});
  const auto start = steady_clock::now();
  for (std::uint64_t i = 0; i < files; ++i) {
    const UniqueFd fd = must(open_file(directory + "/churn" + std::to_string(i), O_WRONLY | O_CREAT));
    must(write_exactly(fd.get(), block, 0));
  }
  for (std::uint64_t i = 0; i < files; ++i) {
    must_call(unlink((directory + "/churn" + std::to_string(i)).c_str()), "unlink");
  }
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

void measure(FsType type, std::uint64_t files, std::uint64_t rounds) {
  World world({.fs = {.type = type, .rmapbt = false}, .standard_files = false});
  world.tree().add_file("file", kBlock);
  world.settle();
  const ByteRange place = world.device_range(world.tree().file("file"), {0, kBlock});
  const std::string& directory = world.fs().mount_point();
  std::vector<double> alone;
  std::vector<double> watched;
  std::vector<double> hinted;
  seconds_of_churn(directory, files);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    alone.push_back(seconds_of_churn(directory, files));
    for (const bool hints : {false, true}) {
      Chain chain({&world}, {repair_all_policy()});
      chain.set_config({{"index_hints", hints}});
      chain.start();
      chain.wait_for_device(world.loop().node());
      chain.ctl({"locate", world.loop().node(), std::to_string(place.offset), std::to_string(place.length)});
      (hints ? hinted : watched).push_back(seconds_of_churn(directory, files));
    }
  }
  const auto print = [&](const char* how, const std::vector<double>& took) {
    std::printf(
        "%-4s %llu files created, written, unlinked, n=%zu, %s: %.3f s, %.3f of without pmend (quickest %.3f)\n",
        to_string(FsOptions{.type = type}).c_str(), static_cast<unsigned long long>(files), took.size(), how,
        percentile(took, 0.5), percentile(took, 0.5) / percentile(alone, 0.5),
        percentile(took, 0) / percentile(alone, 0));
  };
  print("without pmend", alone);
  print("with pmend", watched);
  print("with index_hints", hinted);
}

int run(std::uint64_t files, std::uint64_t rounds) {
  if (const auto reason = World::unavailable()) {
    std::fprintf(stderr, "watch_cost: cannot run here: %s\n", reason->c_str());
    return 77;
  }
  enter_private_mount_namespace();
  for (const FsType type : {FsType::kXfs, FsType::kExt4}) {
    measure(type, files, rounds);
  }
  return 0;
}

}  // namespace
}  // namespace pmend::world

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    const auto files = argc > 1 ? pmend::parse_u64(argv[1]) : pmend::world::kDefaultFiles;
    const auto rounds = argc > 2 ? pmend::parse_u64(argv[2]) : pmend::world::kDefaultRounds;
    return files && *files > 0 && rounds && *rounds > 0 ? pmend::world::run(*files, *rounds) : 64;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "watch_cost: %s\n", error.what());
    return 1;
  }
}
