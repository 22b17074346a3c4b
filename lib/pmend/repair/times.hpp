// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/unit_work.hpp"

namespace pmend::repair {

// Puts a file's modification time back to `before`, under a write lease and only if it is still `own`, the time that
// our own change gave it: anything later is somebody's who changed the file.
Ending restore_times(const Place& place, const FileId& file, const FileTime& own, const FileTime& before);

}  // namespace pmend::repair
