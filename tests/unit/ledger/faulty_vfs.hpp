// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

// A layer below SQLite that fails on demand and forgets what was not synced, as a disk does when the power goes.
//
// While an object lives it is SQLite's default VFS, over the one that was the default before. Calls that change
// something (write, truncate, sync, delete) are counted. A sync only notes what is durable, so that thousands are
// quick. Directory entries count as durable once their file was synced; a rename and an unlink count at once.
namespace pmend {

enum class Fault {
  kIoError,    // one call fails after having done half its work; later ones succeed
  kFull,       // no space: from then on every write fails with SQLITE_FULL, the first one half done
  kPowerLost,  // nothing gets to the disk any more and every call fails; restore() shows what is left
};

class FaultyVfs {
 public:
  FaultyVfs();
  FaultyVfs(FaultyVfs&&) = delete;
  FaultyVfs& operator=(FaultyVfs&&) = delete;
  ~FaultyVfs();

  // The `call`th changing call from now on, counted from 1, and maybe those after it, fail.
  void fail_at(std::uint64_t call, Fault fault);
  // Changing calls since the last fail_at() or the beginning.
  std::uint64_t calls() const { return calls_; }

  // After kPowerLost, with all databases closed: makes the files of `directory` what the disk would hold and ends the
  // fault. With seed 0 nothing that was not synced is there, else some of its 512-byte sectors, in any choice.
  void restore(const std::string& directory, std::uint64_t seed);
  // Ends the fault and keeps everything.
  void repair();

  // What is known of one file: by inode, because names change.
  struct Change {
    std::uint64_t offset = 0;
    std::string bytes;  // written there
    bool cut = false;   // or: the file was made `offset` bytes long
  };
  struct Disk {
    std::string durable;
    bool was_synced = false;
    std::vector<Change> unsynced;
  };

  // For the C functions below it.
  int before_change(bool is_write, bool& half);
  Disk& disk_of(const char* path);
  void forget(const char* path);
  sqlite3_vfs* below() const { return below_; }

 private:
  sqlite3_vfs* below_;
  sqlite3_vfs self_;
  std::map<ino_t, std::unique_ptr<Disk>> disks_;
  std::uint64_t calls_ = 0;
  std::uint64_t fail_at_ = 0;
  Fault fault_ = Fault::kIoError;
};

}  // namespace pmend
