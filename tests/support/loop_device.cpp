// SPDX-License-Identifier: Apache-2.0
#include "support/loop_device.hpp"

#include "support/must.hpp"

#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <span>
#include <thread>

namespace pmend::world {
namespace {

constexpr int kTriesForAFreeDevice = 64;

// The number alone would not do: once free, it may already serve another test.
bool is_attached(const std::string& name, const std::string& backing_file) {
  const auto text = read_text_file("/sys/block/" + name + "/loop/backing_file");
  return text && *text == backing_file + "\n";
}

}  // namespace

LoopDevice::LoopDevice(const std::string& backing_file, const LoopOptions& options)
    : backing_file_(std::filesystem::canonical(backing_file)) {
  const UniqueFd control = must(open_file("/dev/loop-control", O_RDWR));
  for (int attempt = 0; attempt < kTriesForAFreeDevice; ++attempt) {
    const int number = must_call(ioctl(control.get(), LOOP_CTL_GET_FREE), "LOOP_CTL_GET_FREE");
    node_ = "/dev/loop" + std::to_string(number);
    fd_ = must(open_file(node_, O_RDWR));
    if (configure(options)) {
      if (options.partition) {
        add_partition();
      }
      return;
    }
  }
  throw Failure("no free loop device");
}

LoopDevice::~LoopDevice() {
  try {
    detach();
  } catch (const Failure&) {
    // The device detaches itself when its last user goes.
  }
}

bool LoopDevice::configure(const LoopOptions& options) {
  const UniqueFd backing = must(open_file(backing_file_, O_RDWR));
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(backing.get());
  config.block_size = options.block_bytes;
  config.info.lo_flags =
      LO_FLAGS_DIRECT_IO | LO_FLAGS_AUTOCLEAR | (options.partition ? std::uint32_t{LO_FLAGS_PARTSCAN} : 0U);
  std::strncpy(reinterpret_cast<char*>(config.info.lo_file_name), backing_file_.c_str(), LO_NAME_SIZE - 1);
  if (ioctl(fd_.get(), LOOP_CONFIGURE, &config) < 0) {
    if (errno == EBUSY) {
      return false;
    }
    throw Failure(fail_errno("LOOP_CONFIGURE " + node_ + " over " + backing_file_).value().message());
  }
  const UniqueFd limit = must(open_file("/sys/block/" + name() + "/queue/max_sectors_kb", O_WRONLY));
  const std::string text = std::to_string(options.max_request_kib);
  must(write_exactly(limit.get(), std::as_bytes(std::span(text)), 0));
  return true;
}

void LoopDevice::add_partition() {
  constexpr std::uint64_t kOffset = 1U << 20U;
  std::uint64_t bytes = 0;
  must_call(ioctl(fd_.get(), BLKGETSIZE64, &bytes), "BLKGETSIZE64");
  blkpg_partition partition{};
  partition.start = kOffset;
  partition.length = static_cast<long long>(bytes - 2 * kOffset);
  partition.pno = 1;
  blkpg_ioctl_arg argument{};
  argument.op = BLKPG_ADD_PARTITION;
  argument.datalen = sizeof partition;
  argument.data = &partition;
  must_call(ioctl(fd_.get(), BLKPG, &argument), "BLKPG_ADD_PARTITION");
  partition_offset_ = kOffset;
  for (int i = 0; i < 1000 && !std::filesystem::is_block_file(file_system_node()); ++i) {
    // devtmpfs makes the node at its leisure.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void LoopDevice::detach() {
  if (!fd_) {
    return;
  }
  fd_.reset();
  for (int i = 0; i < 1000 && is_attached(name(), backing_file_); ++i) {
    // The last close may be somebody else's (udev, blkid); there is no event for it.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (is_attached(name(), backing_file_)) {
    throw Failure(node_ + " is still in use");
  }
}

}  // namespace pmend::world
