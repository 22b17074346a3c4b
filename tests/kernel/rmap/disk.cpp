// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/disk.hpp"

#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace pmend::disk {
namespace {

constexpr std::uint64_t kBlock = 4096;

template <class Integer>
Integer must(Integer result, const std::string& what) {
  if (result < 0) {
    throw std::runtime_error(fail_errno(what).value().message());
  }
  return result;
}

UniqueFd must_open(const std::string& path, int flags) {
  auto fd = open_file(path, flags, 0644);
  if (!fd) {
    throw std::runtime_error(fd.error().message());
  }
  return std::move(*fd);
}

}  // namespace

std::string prepare() {
  if (geteuid() != 0) {
    return "needs root";
  }
  if (access("/dev/loop-control", R_OK | W_OK) != 0) {
    return "no loop devices here";
  }
  if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
    return "no mount namespace of its own to be had";
  }
  return {};
}

void run(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t child = must(fork(), "fork");
  if (child == 0) {
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  must(waitpid(child, &status, 0), "waitpid");
  if (status != 0) {
    throw std::runtime_error(command[0] + " failed with status " + std::to_string(status));
  }
}

TempDirectory::TempDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "pmend-rmap-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("mkdtemp " + pattern);
  }
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Loop::Loop(const std::string& image, std::uint64_t bytes, std::uint64_t offset) {
  const UniqueFd backing = must_open(image, O_RDWR | O_CREAT);
  struct stat status = {};
  must(fstat(backing.get(), &status), "fstat " + image);
  if (S_ISREG(status.st_mode)) {
    must(ftruncate(backing.get(), static_cast<off_t>(bytes)), "ftruncate " + image);
  }
  while (!configure(backing.get(), offset)) {
  }
}

bool Loop::configure(int backing_fd, std::uint64_t offset) {
  const UniqueFd control = must_open("/dev/loop-control", O_RDWR);
  node_ = "/dev/loop" + std::to_string(must(ioctl(control.get(), LOOP_CTL_GET_FREE), "LOOP_CTL_GET_FREE"));
  fd_ = must_open(node_, O_RDWR);
  struct loop_config config = {};
  config.fd = static_cast<__u32>(backing_fd);
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;
  config.info.lo_offset = offset;
  if (ioctl(fd_.get(), LOOP_CONFIGURE, &config) == 0) {
    return true;
  }
  if (errno != EBUSY) {
    must(-1, "LOOP_CONFIGURE");
  }
  return false;  // somebody else was faster
}

void Loop::add_partition(int number, const ByteRange& range) const {
  struct blkpg_partition partition = {};
  partition.start = static_cast<long long>(range.offset);
  partition.length = static_cast<long long>(range.length);
  partition.pno = number;
  struct blkpg_ioctl_arg argument = {};
  argument.op = BLKPG_ADD_PARTITION;
  argument.datalen = sizeof partition;
  argument.data = &partition;
  must(ioctl(fd_.get(), BLKPG, &argument), "BLKPG");
}

Mounted::Mounted(const std::string& node, const std::string& mount_point, const std::string& type,
                 std::vector<std::string> mkfs)
    : node_(node), mount_point_(mount_point), type_(type) {
  mkfs.push_back(node);
  run(mkfs);
  std::filesystem::create_directories(mount_point);
  attach();
}

void Mounted::attach() const {
  must(mount(node_.c_str(), mount_point_.c_str(), type_.c_str(), MS_NOATIME, nullptr), "mount " + node_);
}

void Mounted::remount() const {
  must(umount2(mount_point_.c_str(), 0), "umount " + mount_point_);
  attach();
}

Mounted::~Mounted() {
  umount2(mount_point_.c_str(), MNT_DETACH);
}

rmap::MountedFileSystem Mounted::ref() const {
  struct stat status = {};
  must(stat(mount_point_.c_str(), &status), "stat " + mount_point_);
  return {{type_, "", "", mount_point_}, status.st_dev, node_};
}

void Mounted::sync() const {
  const UniqueFd root = must_open(mount_point_, O_RDONLY | O_DIRECTORY);
  must(syncfs(root.get()), "syncfs");
}

void write_file(const std::string& path, std::uint64_t bytes) {
  const UniqueFd file = must_open(path, O_WRONLY | O_CREAT | O_TRUNC);
  const std::string data(bytes, 'x');
  const auto written = write_exactly(file.get(), std::as_bytes(std::span(data)), 0);
  if (!written) {
    throw std::runtime_error(written.error().message());
  }
  must(fsync(file.get()), "fsync " + path);
}

void write_fragmented(const std::string& path, std::uint64_t extents) {
  const UniqueFd file = must_open(path, O_WRONLY | O_CREAT | O_TRUNC);
  must(fallocate(file.get(), 0, 0, static_cast<off_t>(extents * 2 * kBlock)), "fallocate " + path);
  for (std::uint64_t i = 0; i < extents; ++i) {
    must(fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>((2 * i + 1) * kBlock),
                   kBlock),
         "punch " + path);
  }
  must(fsync(file.get()), "fsync " + path);
}

void preallocate(const std::string& path, std::uint64_t bytes) {
  const UniqueFd file = must_open(path, O_WRONLY | O_CREAT | O_TRUNC);
  must(fallocate(file.get(), 0, 0, static_cast<off_t>(bytes)), "fallocate " + path);
  must(fsync(file.get()), "fsync " + path);
}

}  // namespace pmend::disk
