// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace pmend::world {

struct LoopOptions {
  std::uint32_t block_bytes = 512;  // logical block size
  // Larger requests would be split by FUSE, and a split request that fails half-way can be reported as a success
  // (knowledge: poisonable-medium, trap 3).
  std::uint32_t max_request_kib = 1024;
  // One partition from 1 MiB on, for the file system. The kernel is told of it as partx(8) does; there is no table.
  bool partition = false;
};

// A loop device over a file, with direct I/O, so that the page cache of the backing file hides nothing. It detaches
// itself when its last user is gone, also if this process is killed.
class LoopDevice {
 public:
  // Throws Failure.
  explicit LoopDevice(const std::string& backing_file, const LoopOptions& options = {});
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  ~LoopDevice();

  const std::string& node() const { return node_; }  // "/dev/loop3"
  std::string name() const { return node_.substr(5); }
  // Of the partition where there is one, else of the device.
  std::string file_system_node() const { return partition_offset_ == 0 ? node_ : node_ + "p1"; }
  std::uint64_t partition_offset() const { return partition_offset_; }
  // An open descriptor of the device, for reading and writing.
  int fd() const { return fd_.get(); }

  // Detaches now and waits until the device is free. Throws Failure if somebody still uses it after 10 s.
  void detach();

 private:
  // False if somebody else took the device first.
  bool configure(const LoopOptions& options);
  void add_partition();

  std::string backing_file_;
  std::string node_;
  std::uint64_t partition_offset_ = 0;
  UniqueFd fd_;
};

}  // namespace pmend::world
