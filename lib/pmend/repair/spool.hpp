// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/ids.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/repair/target.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Where rebuilt units lie, durable, from before the first changing step of a job until its outcome is durable, so that
// whoever comes after a crash can finish what was begun, and can tell whether anything was. One directory per job below
// the spool directory; only root can look inside. A directory without its index was never complete: no step of its job
// can have begun.
namespace pmend::repair {

struct SpooledUnit {
  Unit unit;
  std::string sha256;      // of the rebuilt bytes, which are in a file of their own
  std::string neighbours;  // digest of what lies around the unit in the file, before
};

// What was found before the first step; the proof compares with it.
struct SpoolIndex {
  JobId job;
  std::string plan_hash;
  std::vector<SpooledUnit> units;  // as in the plan
  std::string attributes;          // digest of mode, owner and extended attributes
  std::uint64_t size = 0;          // of the file
  std::string extents;             // digest of its mapping
  FileTime modified;
  FileTime changed;
};

class Spool {
 public:
  using Bytes = std::vector<std::byte>;

  // Makes the directory `key`, writes and syncs everything, and reads it back. Removes what an earlier, incomplete
  // attempt left under the key. Errors: kRefused if a complete spool of that key exists, or if the spool directory is
  // not root's alone; kCorrupt if other bytes came back; the errno. Nothing of it stays after an error.
  static Result<Spool> create(const std::string& directory, const std::string& key, const SpoolIndex& index,
                              const std::vector<Bytes>& units);
  // Errors: kNotFound if there is no complete spool of that key; kCorrupt; the errno.
  static Result<Spool> open(const std::string& directory, const std::string& key);

  const SpoolIndex& index() const { return index_; }
  // The rebuilt bytes of a unit. Errors: kCorrupt if they are not those that were spooled; the errno.
  Result<Bytes> unit(std::size_t position) const;

  // The modification time that our own change gave the file: what may be put back later. Durable on return.
  Status note_own_time(const FileTime& modified) const;
  std::optional<FileTime> own_time() const;

  // When the blocks of a unit were given back (methods/punch.hpp): shortly after this time. Durable on return.
  Status note_punch(std::size_t position, const FileTime& time) const;
  std::optional<FileTime> punch_time(std::size_t position) const;

  // That the old block of an exchanged unit was cleared: from then on its donors are no evidence. Durable on return.
  Status note_cleared(std::size_t position) const;
  bool is_cleared(std::size_t position) const;

 private:
  Spool(std::string path, SpoolIndex index) : path_(std::move(path)), index_(std::move(index)) {}

  std::string path_;
  SpoolIndex index_;
};

// Removes the spool of a job; nothing to do is no error. Errors: kInvalid for what is no key; the errno.
Status release_spool(const std::string& directory, std::string_view key);

// The keys of all spools there are, complete or not, in order. Errors: the errno; no directory is no spools.
Result<std::vector<std::string>> list_spools(const std::string& directory);

}  // namespace pmend::repair
