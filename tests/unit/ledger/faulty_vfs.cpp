// SPDX-License-Identifier: Apache-2.0
#include "faulty_vfs.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace pmend {
namespace {

constexpr std::uint64_t kSector = 512;

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void apply(std::string& content, std::uint64_t offset, const std::string& bytes) {
  if (content.size() < offset + bytes.size()) {
    content.resize(offset + bytes.size(), '\0');
  }
  content.replace(offset, bytes.size(), bytes);
}

void apply(std::string& content, const FaultyVfs::Change& change) {
  if (change.cut) {
    content.resize(change.offset, '\0');
  } else {
    apply(content, change.offset, change.bytes);
  }
}

// As apply(), but each sector by the toss of a coin.
void apply_some(std::string& content, const FaultyVfs::Change& change, std::mt19937_64& random) {
  if (change.cut) {
    if (random() % 2 == 0) {
      content.resize(change.offset, '\0');
    }
    return;
  }
  for (std::uint64_t done = 0; done < change.bytes.size();) {
    const std::uint64_t offset = change.offset + done;
    const std::uint64_t size = std::min(kSector - offset % kSector, change.bytes.size() - done);
    if (random() % 2 == 0) {
      apply(content, offset, change.bytes.substr(done, size));
    }
    done += size;
  }
}

// Makes the file what the disk would hold. Without `random` nothing that was not synced is there.
void restore_file(const std::string& path, const FaultyVfs::Disk& disk, std::mt19937_64* random) {
  std::string content = disk.durable;
  for (const FaultyVfs::Change& change : disk.unsynced) {
    if (random != nullptr) {
      apply_some(content, change, *random);
    }
  }
  if (!disk.was_synced && content.empty()) {
    std::filesystem::remove(path);
  } else {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }
}

// SQLite's file object with ours around it; the memory of the one below follows.
struct File {
  sqlite3_file base;
  FaultyVfs* vfs;
  FaultyVfs::Disk* disk;

  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& ours(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}

int file_close(sqlite3_file* file) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods == nullptr ? SQLITE_OK : below->pMethods->xClose(below);
}

int file_read(sqlite3_file* file, void* buffer, int size, sqlite3_int64 offset) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xRead(below, buffer, size, offset);
}

int file_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  File& self = ours(file);
  bool half = false;
  const int result = self.vfs->before_change(true, half);
  if (result != SQLITE_OK && !half) {
    return result;
  }
  const int done = half ? size / 2 : size;
  self.disk->unsynced.push_back({.offset = static_cast<std::uint64_t>(offset),
                                 .bytes = std::string(static_cast<const char*>(data), static_cast<std::size_t>(done)),
                                 .cut = false});
  const int written = self.below()->pMethods->xWrite(self.below(), data, done, offset);
  return result != SQLITE_OK ? result : written;
}

int file_truncate(sqlite3_file* file, sqlite3_int64 size) {
  File& self = ours(file);
  bool half = false;
  if (const int result = self.vfs->before_change(false, half); result != SQLITE_OK) {
    return SQLITE_IOERR_TRUNCATE;
  }
  self.disk->unsynced.push_back({.offset = static_cast<std::uint64_t>(size), .bytes = {}, .cut = true});
  return self.below()->pMethods->xTruncate(self.below(), size);
}

int file_sync(sqlite3_file* file, int /*flags*/) {
  File& self = ours(file);
  bool half = false;
  if (const int result = self.vfs->before_change(false, half); result != SQLITE_OK) {
    return SQLITE_IOERR_FSYNC;
  }
  for (const FaultyVfs::Change& change : self.disk->unsynced) {
    apply(self.disk->durable, change);
  }
  self.disk->unsynced.clear();
  self.disk->was_synced = true;
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xFileSize(below, size);
}

int file_lock(sqlite3_file* file, int level) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xLock(below, level);
}

int file_unlock(sqlite3_file* file, int level) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xUnlock(below, level);
}

int file_check_lock(sqlite3_file* file, int* reserved) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xCheckReservedLock(below, reserved);
}

int file_control(sqlite3_file* file, int operation, void* argument) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xFileControl(below, operation, argument);
}

int file_sector_size(sqlite3_file* /*file*/) {
  return static_cast<int>(kSector);
}

// Nothing is promised: no atomic writes, no powersafe overwrite.
int file_characteristics(sqlite3_file* /*file*/) {
  return 0;
}

int file_shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xShmMap(below, page, size, extend, memory);
}

int file_shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xShmLock(below, offset, count, flags);
}

void file_shm_barrier(sqlite3_file* file) {
  sqlite3_file* below = ours(file).below();
  below->pMethods->xShmBarrier(below);
}

int file_shm_unmap(sqlite3_file* file, int remove) {
  sqlite3_file* below = ours(file).below();
  return below->pMethods->xShmUnmap(below, remove);
}

constexpr sqlite3_io_methods kMethods = {.iVersion = 2,
                                         .xClose = file_close,
                                         .xRead = file_read,
                                         .xWrite = file_write,
                                         .xTruncate = file_truncate,
                                         .xSync = file_sync,
                                         .xFileSize = file_size,
                                         .xLock = file_lock,
                                         .xUnlock = file_unlock,
                                         .xCheckReservedLock = file_check_lock,
                                         .xFileControl = file_control,
                                         .xSectorSize = file_sector_size,
                                         .xDeviceCharacteristics = file_characteristics,
                                         .xShmMap = file_shm_map,
                                         .xShmLock = file_shm_lock,
                                         .xShmBarrier = file_shm_barrier,
                                         .xShmUnmap = file_shm_unmap,
                                         .xFetch = nullptr,
                                         .xUnfetch = nullptr};

int vfs_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* self = static_cast<FaultyVfs*>(vfs->pAppData);
  File& opened = ours(file);
  opened = {.base = {.pMethods = &kMethods}, .vfs = self, .disk = nullptr};
  opened.below()->pMethods = nullptr;
  const int result = self->below()->xOpen(self->below(), path, opened.below(), flags, out_flags);
  if (result != SQLITE_OK) {
    opened.base.pMethods = nullptr;
    return result;
  }
  opened.disk = &self->disk_of(path);
  return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  auto* self = static_cast<FaultyVfs*>(vfs->pAppData);
  bool half = false;
  if (const int result = self->before_change(false, half); result != SQLITE_OK) {
    return SQLITE_IOERR_DELETE;
  }
  self->forget(path);
  return self->below()->xDelete(self->below(), path, sync_directory);
}

int vfs_access(sqlite3_vfs* vfs, const char* path, int flags, int* answer) {
  sqlite3_vfs* below = static_cast<FaultyVfs*>(vfs->pAppData)->below();
  return below->xAccess(below, path, flags, answer);
}

int vfs_full_path(sqlite3_vfs* vfs, const char* path, int size, char* out) {
  sqlite3_vfs* below = static_cast<FaultyVfs*>(vfs->pAppData)->below();
  return below->xFullPathname(below, path, size, out);
}

}  // namespace

FaultyVfs::FaultyVfs() : below_(sqlite3_vfs_find(nullptr)), self_(*below_) {
  self_.szOsFile = static_cast<int>(sizeof(File)) + below_->szOsFile;
  self_.zName = "faulty";
  self_.pNext = nullptr;
  self_.pAppData = this;
  self_.xOpen = vfs_open;
  self_.xDelete = vfs_delete;
  self_.xAccess = vfs_access;
  self_.xFullPathname = vfs_full_path;
  sqlite3_vfs_register(&self_, 1);
}

FaultyVfs::~FaultyVfs() {
  sqlite3_vfs_unregister(&self_);
  sqlite3_vfs_register(below_, 1);
}

void FaultyVfs::fail_at(std::uint64_t call, Fault fault) {
  calls_ = 0;
  fail_at_ = call;
  fault_ = fault;
}

void FaultyVfs::repair() {
  fail_at_ = 0;
}

int FaultyVfs::before_change(bool is_write, bool& half) {
  ++calls_;
  if (fail_at_ == 0 || calls_ < fail_at_) {
    return SQLITE_OK;
  }
  switch (fault_) {
    case Fault::kIoError:
      half = is_write && calls_ == fail_at_;
      return calls_ == fail_at_ ? SQLITE_IOERR_WRITE : SQLITE_OK;
    case Fault::kFull:
      half = is_write && calls_ == fail_at_;
      return is_write ? SQLITE_FULL : SQLITE_OK;
    case Fault::kPowerLost:
      return SQLITE_IOERR_WRITE;
  }
  return SQLITE_OK;
}

FaultyVfs::Disk& FaultyVfs::disk_of(const char* path) {
  struct stat status {};
  if (path == nullptr || stat(path, &status) != 0) {
    status.st_ino = 0;  // a temporary file without a name: nobody finds it again
  }
  auto& disk = disks_[status.st_ino];
  if (!disk) {
    disk = std::make_unique<Disk>();
    disk->durable = path == nullptr ? std::string() : content_of(path);
  }
  return *disk;
}

void FaultyVfs::forget(const char* path) {
  struct stat status {};
  if (stat(path, &status) == 0) {
    disks_.erase(status.st_ino);
  }
}

void FaultyVfs::restore(const std::string& directory, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string path = entry.path();
    struct stat status {};
    if (path.ends_with("-shm")) {
      std::filesystem::remove(path);  // memory, not disk
    } else if (stat(path.c_str(), &status) == 0 && disks_.count(status.st_ino) == 1) {
      restore_file(path, *disks_[status.st_ino], seed == 0 ? nullptr : &random);
    }
  }
  disks_.clear();
  repair();
}

}  // namespace pmend
