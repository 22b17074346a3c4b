// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/disk.hpp"
#include "medium/gate.hpp"
#include "medium/timer.hpp"
#include "pmend/base/clock.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pmend::medium {

// The files that a user sees. The values are the inode numbers; 1 is the directory.
enum class File : std::uint64_t { kDisk = 2, kBadblocks = 3, kPoison = 4, kMode = 5, kGate = 6, kTrace = 7 };

// The whole medium without the way in which it is reached: disk, gate, delays, returning poison and the text files
// that control them. Thread-safe from start() to stop().
class Medium {
 public:
  struct Setup {
    std::string image;                   // absolute, as the program changes its directory
    std::optional<std::uint64_t> bytes;  // needed for a new image
    std::string state_directory;         // absolute
    // Called when a poller of kBadblocks or kGate has to wake; with no lock held, from any thread.
    std::function<void(File)> changed;
  };

  // Errors: those of open_image(), StateDirectory and TraceWriter.
  static Result<std::unique_ptr<Medium>> open(const Setup& setup);

  // Starts the timer thread: after the last fork(2).
  void start();
  // Ends every request that is parked or delayed with EIO. No submit() may run or follow.
  void stop();

  // Carries the request out now, or parks or delays a copy. The gate comes before the delay; what it lets go is not
  // delayed. Never waits for time or for the gate.
  void submit(const Request& request, Completion done);

  // The content of one of the text files (neither disk nor trace).
  std::string text(File file) const;
  // One write(2) to a text file, whole or not at all. "release" and "fail" return after the parked requests have
  // ended. Errors: kInvalid for what the file does not understand; kRefused for a file that cannot be written.
  Status write_text(File file, std::string_view text);

  // Errors: the errno.
  Result<std::string> read_trace(std::uint64_t offset, std::size_t size) const { return trace_.read(offset, size); }
  std::uint64_t file_bytes(File file) const;

 private:
  Medium(const Setup& setup, StateDirectory directory, TraceWriter trace, Image image, State state);

  void defer(const Request& request, Completion done, std::chrono::milliseconds delay);
  void bring_back_at(SteadyTime time);
  Status edit_list(const Result<std::vector<ListEdit>>& edits);
  Status run_gate_commands(std::string_view text);
  void end_parked(GateCommand::Kind how);

  // In the order of need: the timer's thread, which uses all others, ends first.
  std::function<void(File)> changed_;
  SystemClock clock_;
  StateDirectory directory_;
  TraceWriter trace_;
  Gate gate_;
  Disk disk_;
  Timer timer_;
};

}  // namespace pmend::medium
