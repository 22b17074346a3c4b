// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

// Real file systems on plain loop devices, for questions only: nothing here can fail on purpose. All throw
// std::runtime_error: a disk that cannot be made has no result to report.
namespace pmend::disk {

// Why none can be made here (not root, no loop devices); empty if it can. Also gives this process a mount namespace of
// its own, so that the mounts of a killed test go with it.
std::string prepare();

// Runs a program of the system's to its end; its output goes into the exception.
void run(const std::vector<std::string>& command);

// A directory of its own, removed at the end.
class TempDirectory {
 public:
  TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();

  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A loop device over a sparse file (made `bytes` long) or over another block device. It detaches itself when its last
// user is gone, also if this process is killed.
class Loop {
 public:
  Loop(const std::string& image, std::uint64_t bytes, std::uint64_t offset = 0);

  const std::string& node() const { return node_; }
  // Tells the kernel of a partition, as partx(8) does: kernels without a parser for any table have them too.
  void add_partition(int number, const ByteRange& range) const;

 private:
  bool configure(int backing_fd, std::uint64_t offset);

  std::string node_;
  UniqueFd fd_;
};

// A file system made on a block device and mounted; unmounted at the end.
class Mounted {
 public:
  // `mkfs` is the command without the device, `type` what mount(2) calls it.
  Mounted(const std::string& node, const std::string& mount_point, const std::string& type,
          std::vector<std::string> mkfs);
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  ~Mounted();

  const std::string& path() const { return mount_point_; }
  std::string operator/(const std::string& name) const { return mount_point_ + "/" + name; }
  rmap::MountedFileSystem ref() const;
  // syncfs(2).
  void sync() const;
  // Unmounts it and mounts it again: the kernel knows no name by then.
  void remount() const;

 private:
  void attach() const;

  std::string node_;
  std::string mount_point_;
  std::string type_;
};

// Writes `bytes` of anything but zeros.
void write_file(const std::string& path, std::uint64_t bytes);
// One block of data, one block of hole, and so on.
void write_fragmented(const std::string& path, std::uint64_t extents);
void preallocate(const std::string& path, std::uint64_t bytes);

}  // namespace pmend::disk
