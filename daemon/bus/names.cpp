// SPDX-License-Identifier: Apache-2.0
#include "bus/names.hpp"

#include <systemd/sd-bus.h>

#include <cstdlib>
#include <memory>
#include <new>

namespace pmend::bus {

std::string incident_path(std::uint64_t id) {
  return std::string(kRootPath) + "/incident/" + std::to_string(id);
}

std::string device_path(std::string_view device) {
  constexpr std::string_view kDev = "/dev/";
  const std::string name(device.starts_with(kDev) ? device.substr(kDev.size()) : device);
  char* path = nullptr;
  if (sd_bus_path_encode((std::string(kRootPath) + "/device").c_str(), name.c_str(), &path) < 0) {
    throw std::bad_alloc();  // its only failure with a valid prefix
  }
  const std::unique_ptr<char, decltype(&std::free)> owner(path, &std::free);
  return path;
}

}  // namespace pmend::bus
