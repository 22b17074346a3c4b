// SPDX-License-Identifier: Apache-2.0
#include "medium/open_files.hpp"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <utility>

namespace pmend::medium {

void DestroyPollHandle::operator()(fuse_pollhandle* handle) const {
  fuse_pollhandle_destroy(handle);
}

std::uint64_t OpenFiles::open(File file) {
  const std::lock_guard lock(mutex_);
  files_.emplace(next_handle_, OpenFile{file, 0, {}, nullptr});
  return next_handle_++;
}

void OpenFiles::close(std::uint64_t handle) {
  const std::lock_guard lock(mutex_);
  files_.erase(handle);
}

std::string OpenFiles::read(std::uint64_t handle, std::uint64_t offset, std::size_t size,
                            const std::function<std::string()>& fresh) {
  std::unique_lock lock(mutex_);
  OpenFile& file = files_.at(handle);
  if (offset == 0) {
    // The counter first: a change during fresh() is then reported once too often, never too seldom.
    file.seen = events_of(file.file);
    lock.unlock();
    std::string text = fresh();
    lock.lock();
    file.text = std::move(text);
  }
  return offset < file.text.size() ? file.text.substr(offset, size) : std::string();
}

bool OpenFiles::poll(std::uint64_t handle, PollHandle poller) {
  const std::lock_guard lock(mutex_);
  OpenFile& file = files_.at(handle);
  if (poller) {
    file.poller = std::move(poller);
  }
  return file.seen != events_of(file.file);
}

void OpenFiles::changed(File file) {
  std::vector<PollHandle> woken;
  {
    const std::lock_guard lock(mutex_);
    ++events_of(file);
    for (auto& [handle, open_file] : files_) {
      if (open_file.file == file && open_file.poller) {
        woken.push_back(std::move(open_file.poller));
      }
    }
  }
  for (const PollHandle& poller : woken) {
    fuse_lowlevel_notify_poll(poller.get());
  }
}

std::uint64_t& OpenFiles::events_of(File file) {
  return events_.emplace(file, 1).first->second;
}

}  // namespace pmend::medium
