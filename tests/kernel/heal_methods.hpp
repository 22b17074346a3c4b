// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

// Every way of healing a poisoned block that plain system calls offer, as data.
namespace pmend::world {

// What a method works on. Offsets are bytes.
struct HealTarget {
  std::string file;               // the file's path
  std::string device;             // the block device's node
  std::uint64_t file_offset = 0;  // of the 4 KiB block that holds the poison
  std::uint64_t device_offset = 0;
};

// The byte that methods write where they write data.
inline constexpr unsigned char kNewByte = 'R';
// In the block, for methods that work on one sector.
inline constexpr std::uint64_t kBadSectorInBlock = 1024;

struct HealMethod {
  std::string name;
  std::uint64_t bad_bytes = 0;  // poisoned before: the whole block or one sector at kBadSectorInBlock
  // Does it. Returns 0 or the errno.
  int (*run)(const HealTarget& target) = nullptr;
};

const std::vector<HealMethod>& heal_methods();

}  // namespace pmend::world
