// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

// Keeps the program from waiting for itself: it serves the writeback of the file system above it, so it must not start
// that writeback when it needs memory.
namespace pmend::medium {

// Below this limit of a memory cgroup a deadlock has been seen: with 64 MiB, when the writer was in the same cgroup.
inline constexpr std::uint64_t kSmallestMemoryLimit = std::uint64_t{512} << 20U;

// Marks the calling thread, and those it will create, as an I/O flusher: its allocations start no I/O.
// Errors: EPERM without CAP_SYS_RESOURCE.
Status become_io_flusher();

// Locks all pages as they are touched (MCL_ONFAULT: 3 MiB resident, not 85). Does not survive fork(2).
// Errors: EPERM or ENOMEM without privilege.
Status lock_memory();

// The lowest limit of the memory cgroups, version 1 and 2, that this process is in; nothing if there is none.
// `root` is "/" except in tests: a tree with proc/self/cgroup and sys/fs/cgroup.
std::optional<std::uint64_t> memory_limit(const std::filesystem::path& root);

// What is wrong with the surroundings, one sentence each. Does the first two calls above.
std::vector<std::string> prepare_process();

}  // namespace pmend::medium
