// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pmend::block {

// Where the kernel's trees are. Tests point them at materialised ones.
struct SystemRoots {
  std::string sysfs = "/sys";
  std::string proc = "/proc";
};

// The text of an attribute without its final newline. Nothing where it does not exist or cannot be read: attributes
// come and go with kernel versions, drivers and the device itself.
std::optional<std::string> read_attribute(const std::string& directory, const std::string& name);

// An attribute that is one decimal number. Nothing also where it is not.
std::optional<std::uint64_t> read_number(const std::string& directory, const std::string& name);

// The names in a directory, sorted; none if it does not exist.
std::vector<std::string> list_directory(const std::string& directory);

// The value of "KEY=value" in the text of a uevent attribute.
std::optional<std::string> uevent_value(const std::string& uevent, const std::string& key);

}  // namespace pmend::block
