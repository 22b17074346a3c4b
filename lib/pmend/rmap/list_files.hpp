// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/owner_resolver.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pmend::rmap {

struct FileNames {
  std::vector<std::string> names;     // below the root of the mount, raw bytes
  bool more = false;                  // there may be more: ask again after the last of these
  std::vector<std::string> not_seen;  // what could not be looked at and why, the first few
};

// The names of the regular files of a file system, in the order of their bytes, part by part between slashes: those
// after `after` ("": all), until they have `most_bytes` together. Nothing is kept between two calls, and the memory
// that one takes does not grow with the number of files; each reads the directories on the way to `after` again. A file
// with several names has several. What comes and goes meanwhile can be missed. Errors: as open_fs().
Result<FileNames> list_files(const MountedFileSystem& fs, const ResolveOptions& options, const std::string& after,
                             std::size_t most_bytes);

}  // namespace pmend::rmap
