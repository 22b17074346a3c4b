// SPDX-License-Identifier: Apache-2.0
#include "kernel/heal_methods.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/block_device.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <array>
#include <cstring>

#ifndef FALLOC_FL_WRITE_ZEROES
#define FALLOC_FL_WRITE_ZEROES 0x80  // Linux 6.17
#endif

namespace pmend::world {
namespace {

constexpr std::uint64_t kHealedBlock = 4096;
constexpr std::uint64_t kSector = kSectorBytes;

int result_of(const Status& status) {
  return status ? 0 : status.error().code.value();
}

int fallocate_path(const std::string& path, int mode, const ByteRange& range) {
  const auto fd = open_file(path, O_RDWR);
  if (!fd) {
    return fd.error().code.value();
  }
  const bool done =
      fallocate(fd->get(), mode, static_cast<off_t>(range.offset), static_cast<off_t>(range.length)) == 0 &&
      fsync(fd->get()) == 0;
  return done ? 0 : errno;
}

enum class Cache { kDirect, kBuffered };

int write_path(const std::string& path, const ByteRange& range, Cache cache) {
  const auto fd = open_file(path, O_WRONLY | (cache == Cache::kDirect ? O_DIRECT : 0));
  if (!fd) {
    return fd.error().code.value();
  }
  alignas(kHealedBlock) std::array<std::byte, kHealedBlock> data{};
  data.fill(std::byte{kNewByte});
  const auto written = write_exactly(fd->get(), std::span(data).first(range.length), range.offset);
  if (!written) {
    return result_of(written);
  }
  return cache == Cache::kBuffered && fsync(fd->get()) < 0 ? errno : 0;
}

int device_ioctl(const HealTarget& target, const ByteRange& range, Status (*call)(int, const ByteRange&)) {
  const auto fd = open_file(target.device, O_RDWR);
  return fd ? result_of(call(fd->get(), range)) : fd.error().code.value();
}

ByteRange file_block(const HealTarget& t) {
  return {t.file_offset, kHealedBlock};
}
ByteRange file_sector(const HealTarget& t) {
  return {t.file_offset + kBadSectorInBlock, kSector};
}
ByteRange device_block(const HealTarget& t) {
  return {t.device_offset, kHealedBlock};
}
ByteRange device_sector(const HealTarget& t) {
  return {t.device_offset + kBadSectorInBlock, kSector};
}

constexpr int kZero = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

int punch_then_write(const HealTarget& t) {
  const int error = fallocate_path(t.file, kPunch, file_block(t));
  return error != 0 ? error : write_path(t.file, file_block(t), Cache::kBuffered);
}

int zero_sector_then_write(const HealTarget& t) {
  const int error = device_ioctl(t, device_sector(t), kernel::zero_out);
  return error != 0 ? error : write_path(t.file, file_block(t), Cache::kDirect);
}

}  // namespace

const std::vector<HealMethod>& heal_methods() {
  using T = const HealTarget&;
  static const std::vector<HealMethod> methods{
      {"file ZERO_RANGE 4096", kHealedBlock, [](T t) { return fallocate_path(t.file, kZero, file_block(t)); }},
      {"file ZERO_RANGE 512", kSector, [](T t) { return fallocate_path(t.file, kZero, file_sector(t)); }},
      {"file WRITE_ZEROES 4096", kHealedBlock,
       [](T t) { return fallocate_path(t.file, FALLOC_FL_WRITE_ZEROES, file_block(t)); }},
      {"file O_DIRECT pwrite 4096", kHealedBlock,
       [](T t) { return write_path(t.file, file_block(t), Cache::kDirect); }},
      {"file O_DIRECT pwrite 512", kSector, [](T t) { return write_path(t.file, file_sector(t), Cache::kDirect); }},
      {"file pwrite 4096 + fsync", kHealedBlock,
       [](T t) { return write_path(t.file, file_block(t), Cache::kBuffered); }},
      {"file pwrite 512 + fsync", kSector, [](T t) { return write_path(t.file, file_sector(t), Cache::kBuffered); }},
      {"file PUNCH_HOLE 4096", kHealedBlock, [](T t) { return fallocate_path(t.file, kPunch, file_block(t)); }},
      {"file PUNCH_HOLE, pwrite 4096 + fsync", kHealedBlock, punch_then_write},
      {"device BLKZEROOUT 4096", kHealedBlock, [](T t) { return device_ioctl(t, device_block(t), kernel::zero_out); }},
      {"device BLKZEROOUT 512", kSector, [](T t) { return device_ioctl(t, device_sector(t), kernel::zero_out); }},
      {"device BLKDISCARD 4096", kHealedBlock, [](T t) { return device_ioctl(t, device_block(t), kernel::discard); }},
      {"device ZERO_RANGE 4096", kHealedBlock, [](T t) { return fallocate_path(t.device, kZero, device_block(t)); }},
      {"device ZERO_RANGE 512", kSector, [](T t) { return fallocate_path(t.device, kZero, device_sector(t)); }},
      {"device PUNCH_HOLE 4096", kHealedBlock, [](T t) { return fallocate_path(t.device, kPunch, device_block(t)); }},
      {"device WRITE_ZEROES 4096", kHealedBlock,
       [](T t) { return fallocate_path(t.device, FALLOC_FL_WRITE_ZEROES, device_block(t)); }},
      {"device O_DIRECT pwrite 4096", kHealedBlock,
       [](T t) { return write_path(t.device, device_block(t), Cache::kDirect); }},
      {"device O_DIRECT pwrite 512", kSector,
       [](T t) { return write_path(t.device, device_sector(t), Cache::kDirect); }},
      {"device pwrite 512 + fsync", kSector,
       [](T t) { return write_path(t.device, device_sector(t), Cache::kBuffered); }},
      {"device BLKZEROOUT 512, file O_DIRECT pwrite 4096", kSector, zero_sector_then_write},
  };
  return methods;
}

}  // namespace pmend::world
