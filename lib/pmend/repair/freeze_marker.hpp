// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/unique_fd.hpp"

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

// Tells of a freeze of ours over the death of everything that could end it: a file in the runtime directory, named
// after the device number of the file system, locked (fcntl(2), F_OFD_SETLK) until the last process is gone whose write
// may still land. It is made before the freeze and removed after the thaw.
namespace pmend::repair {

class FreezeMarker {
 public:
  // Errors: EBUSY where somebody of ours has this file system frozen; the errno.
  static Result<FreezeMarker> create(const std::string& runtime_directory, dev_t file_system);
  FreezeMarker(FreezeMarker&&) = default;
  FreezeMarker& operator=(FreezeMarker&&) = delete;
  ~FreezeMarker() = default;

  // The lock goes with the process, the file only by this: whoever dies frozen leaves it.
  void remove();

  // Kept open by a process, it keeps the lock.
  int descriptor() const { return file_.get(); }

 private:
  FreezeMarker(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  UniqueFd file_;
};

struct Leftovers {
  std::vector<dev_t> thawed;
  std::vector<dev_t> frozen;  // still: a process of ours hangs, or nobody has it mounted
};

// Thaws what guards of ours left frozen that are all gone, waiting at most `limit` for those that are going.
// `open_mount` opens any directory of the file system with that number. Errors: the errno; no directory is no
// leftovers.
using OpenMount = std::function<Result<UniqueFd>(dev_t file_system)>;
Result<Leftovers> thaw_leftovers(const std::string& runtime_directory, const OpenMount& open_mount,
                                 std::chrono::milliseconds limit);

}  // namespace pmend::repair
