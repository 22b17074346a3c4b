// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/medium.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct fuse_pollhandle;

namespace pmend::medium {

struct DestroyPollHandle {
  void operator()(fuse_pollhandle* handle) const;
};
// Where the kernel wants to be told that a poll should be repeated.
using PollHandle = std::unique_ptr<fuse_pollhandle, DestroyPollHandle>;

// The open text files, each with what its reader has seen: poll(2) as kernfs does it (fs/kernfs/file.c,
// kernfs_generic_poll()). Every file has an event counter; a read from offset 0 remembers it, and as long as the
// counter is another one, poll says POLLPRI|POLLERR. A descriptor that has not been read yet has seen nothing.
// Thread-safe.
class OpenFiles {
 public:
  // Returns the handle for the calls below.
  std::uint64_t open(File file);
  void close(std::uint64_t handle);
  // The bytes at `offset` of the text that `fresh` gave when offset 0 was read last.
  std::string read(std::uint64_t handle, std::uint64_t offset, std::size_t size,
                   const std::function<std::string()>& fresh);
  // True if there is something unread. Keeps `poller` (may be null) for the next change.
  bool poll(std::uint64_t handle, PollHandle poller);
  // Counts an event for `file` and wakes its pollers.
  void changed(File file);

 private:
  struct OpenFile {
    File file;
    std::uint64_t seen = 0;
    std::string text;
    PollHandle poller;
  };

  std::uint64_t& events_of(File file);

  std::mutex mutex_;
  std::uint64_t next_handle_ = 1;
  std::map<std::uint64_t, OpenFile> files_;
  std::map<File, std::uint64_t> events_;
};

}  // namespace pmend::medium
