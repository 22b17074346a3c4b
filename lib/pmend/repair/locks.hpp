// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/ids.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/owner.hpp"
#include "pmend/model/repair_verbs.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

// One repair at a time for a device and for a file system, over restarts of everything: files in the runtime directory,
// locked by open file description (fcntl(2), F_OFD_SETLK), so that they can be looked at without being taken. A lock is
// held until the last process that inherited it is gone: also by a child that is stuck in a write after its parent
// died.
namespace pmend::repair {

struct LockName {
  protocol::LockKind kind = protocol::LockKind::kDevice;
  std::string name;  // device id, or file system UUID
};

class Lock {
 public:
  // Takes it without waiting and writes job and process into the file. Errors: EBUSY, with the holder in the text, if
  // somebody has it; the errno.
  static Result<Lock> take(const std::string& directory, const LockName& name, JobId job);
  // Kept open by a process, it keeps the lock.
  int descriptor() const { return file_.get(); }

 private:
  explicit Lock(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
};

// All of them or none, in an order that two jobs cannot deadlock over. Errors: as Lock::take().
Result<std::vector<Lock>> take_locks(const std::string& directory, std::vector<LockName> names, JobId job);

// The locks that are held now, by whom, and whether the holder can be ended. `openers` is as in Place: it finds the
// child that a dead holder left behind. Errors: the errno; no directory is no locks.
using FindOpeners = std::function<std::vector<OpenBy>(dev_t device, ino_t inode)>;
Result<std::vector<protocol::HeldLock>> inspect_locks(const std::string& directory, const FindOpeners& openers);

}  // namespace pmend::repair
