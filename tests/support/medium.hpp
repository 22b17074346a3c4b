// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/kernel/badblocks.hpp"
#include "support/process.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pmend::world {

// A running pmend-medium: starts it, talks to its control files, kills it, starts it again on the same state.
// Byte ranges are positions on the medium; injections are rounded out to sectors.
class Medium {
 public:
  // `directory` gets the image, the state, the mount point and the program's output. Throws Failure.
  Medium(std::string directory, std::uint64_t size_bytes);
  Medium(const Medium&) = delete;
  Medium& operator=(const Medium&) = delete;
  ~Medium();

  std::string disk() const { return mount_dir() + "/disk.img"; }
  std::string badblocks_path() const { return mount_dir() + "/badblocks"; }
  std::string trace_path() const { return directory_ + "/state/trace"; }
  std::string mount_dir() const { return directory_ + "/medium"; }
  std::uint64_t size_bytes() const { return size_bytes_; }

  void poison(const ByteRange& range) { poison(std::vector<ByteRange>{range}); }
  void poison(const std::vector<ByteRange>& ranges);
  void add_phantom(const ByteRange& range);
  void unpoison(const ByteRange& range);
  // As the list shows it, which may be cut short or lie.
  kernel::BadblocksList badblocks() const;
  // What really is poisoned, whatever the list says.
  std::vector<ByteRange> poisoned() const;
  void set_mode(const std::string& words);

  // Gate rules as pmend-medium(8) describes them, e.g. "hold write 4096 512".
  void gate(const std::string& command);
  // Waits until a request is parked at the gate; false after `limit`.
  bool wait_for_parked(std::chrono::milliseconds limit) const;

  pid_t pid() const { return process_.pid(); }
  void signal(int number) const { process_.signal(number); }
  // SIGKILL, as a power loss of the medium. The mount point stays behind, dead.
  void kill();
  // Starts the program again on the same image and state, after kill().
  void restart();
  // Unmounts and waits for the program's end. All users of disk.img must be gone. Throws Failure.
  void stop();

 private:
  void start();
  void put(const std::string& file, const std::string& text) const;
  std::string get(const std::string& file) const;

  std::string directory_;
  std::uint64_t size_bytes_;
  Child process_;
  bool mounted_ = false;
};

}  // namespace pmend::world
