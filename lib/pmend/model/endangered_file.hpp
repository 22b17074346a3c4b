// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/ids.hpp"
#include "pmend/model/file_path.hpp"
#include "pmend/model/owner.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pmend {

// A file that is to be brought away from a device.
struct EndangeredFile {
  std::optional<FileSystemRef> filesystem;
  std::optional<std::uint64_t> inode;  // both absent where only the name is known
  std::optional<std::uint64_t> generation;
  std::vector<FilePath> paths;        // absolute; empty where no name was found
  std::vector<IncidentId> incidents;  // on whose bad bytes it lies; empty where it only shares the device with them

  friend bool operator==(const EndangeredFile&, const EndangeredFile&) = default;
};

Json to_json(const EndangeredFile& file);
void read_json(const JsonReader& in, EndangeredFile& file);

}  // namespace pmend
