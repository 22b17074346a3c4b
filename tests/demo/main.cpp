// SPDX-License-Identifier: Apache-2.0
// The demonstration that ./demo.sh runs: sectors of real file systems go bad, pmend heals them or says why not, and
// every byte is compared. `pmend-demo [--keep]`. Exit 0 only if everything happened as told, 1 if not, 77 if it cannot
// run here.
#include "demo/scenes.hpp"
#include "support/mounts.hpp"
#include "support/must.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

namespace pmend::world {
namespace {

constexpr int kCannotRun = 77;

void play(Stage& stage) {
  for (auto& scenery : stage.sceneries()) {
    stage.story().turn_to(scenery->name);
    nothing_is_lost(stage, *scenery);
    a_person_decides(stage, *scenery);
    all_names_count(stage, *scenery);
    only_watched(stage, *scenery);
    somebody_uses_it(stage, *scenery);
    if (scenery->world.fs().options().type == FsType::kXfs) {
      several_files_share_it(stage, *scenery);
    }
    nobodys_bytes(stage, *scenery);  // bad metadata forbids every freeze from here on
    a_burst(stage, *scenery);
    the_reckoning(stage, *scenery);
  }
}

// One line of figures. Returns the exit status.
int sum_up(Stage& stage, std::chrono::duration<double> took) {
  std::uint64_t poisoned = 0;
  std::uint64_t lost = 0;
  std::uint64_t left = 0;
  std::size_t files = 0;
  for (auto& scenery : stage.sceneries()) {
    poisoned += scenery->poisoned.total_bytes() / 512;
    lost += scenery->lost.total_bytes();
    left += scenery->left.total_bytes() / 512;
    files += scenery->world.tree().files().size();
  }
  const Story& story = stage.story();
  std::printf(
      "\n%llu sectors poisoned, %llu healed in place, %llu left as told; %llu bytes lost, each in a report; "
      "%zu files compared; %d facts checked in %.1f s: %s\n",
      static_cast<unsigned long long>(poisoned), static_cast<unsigned long long>(poisoned - left),
      static_cast<unsigned long long>(left), static_cast<unsigned long long>(lost), files, story.facts(), took.count(),
      story.failed() ? "NOT as told" : "all as told");
  return story.failed() ? 1 : 0;
}

void say_how_to_look(Stage& stage) {
  const std::string bus = stage.chain().bus_address();
  std::printf(
      "\nIt goes on running. To look:\n"
      "  build/dev/bin/pmendctl --bus %s list --all\n"
      "  build/dev/bin/pmendctl --bus %s show 4\n"
      "  busctl --address=%s tree org.pmend1\n",
      bus.c_str(), bus.c_str(), bus.c_str());
  for (auto& scenery : stage.sceneries()) {
    std::printf("  %-5s on %s: files in %s; to poison sector N: echo 'N 1' > %s\n", scenery->name.c_str(),
                scenery->node().c_str(), scenery->world.fs().mount_point().c_str(),
                scenery->world.medium().badblocks_path().c_str());
  }
  std::printf("To end it: sudo ./demo.sh --end\n");
}

int demonstrate(bool keep, int tell_status) {
  if (!keep) {
    // Whatever becomes of this process, its mounts go with it.
    enter_private_mount_namespace();
  }
  const auto start = std::chrono::steady_clock::now();
  Story story;
  Stage stage(story);
  std::printf(
      "XFS and ext4 with %zu and %zu files of known bytes, each on a medium that can fail; pmend runs as uid "
      "65534, its workers as root.\n",
      stage.sceneries()[0]->world.tree().files().size(), stage.sceneries()[1]->world.tree().files().size());
  play(stage);
  const int status = sum_up(stage, std::chrono::steady_clock::now() - start);
  if (keep) {
    say_how_to_look(stage);
    // Nobody reads on: whoever waits for the end of what we print may go on.
    (void)std::freopen("/dev/null", "w", stdout);
    (void)std::freopen("/dev/null", "w", stderr);
    (void)!write(tell_status, &status, sizeof status);
    close(tell_status);
    while (true) {
      pause();  // until ./demo.sh --end
    }
  }
  return status;
}

int demonstrate_or_say_why(bool keep, int tell_status = -1) {
  try {
    return demonstrate(keep, tell_status);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "demo: %s\n", error.what());
    return 1;
  }
}

// The demonstration goes on in a process of its own, of a session of its own; this one ends when the story is told.
int demonstrate_and_leave() {
  int ends[2];
  must_call(pipe(ends), "pipe");
  const pid_t keeper = must_call(fork(), "fork");
  if (keeper == 0) {
    close(ends[0]);
    setsid();
    _exit(demonstrate_or_say_why(true, ends[1]));
  }
  close(ends[1]);
  int status = 1;
  (void)!read(ends[0], &status, sizeof status);  // nothing comes if it failed
  return status;
}

}  // namespace
}  // namespace pmend::world

int main(int argc, char** argv) {
  using namespace pmend::world;
  setvbuf(stdout, nullptr, _IOLBF, 0);
  if (const auto reason = World::unavailable()) {
    std::fprintf(stderr, "demo: cannot run here: %s\n", reason->c_str());
    return kCannotRun;
  }
  const bool keep = argc > 1 && std::strcmp(argv[1], "--keep") == 0;
  return keep ? demonstrate_and_leave() : demonstrate_or_say_why(false);
}
