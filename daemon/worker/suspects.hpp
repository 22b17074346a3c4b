// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/range_set.hpp"

#include <cstddef>
#include <string>

namespace pmend::worker {

// pmend's own list of the bad sectors of one device, for devices that have no other: what direct reads have found, kept
// in a file below `directory` that is known by the device's id. So it goes with the disk and not with the node. A
// sector enters it by a direct read that failed, and leaves it by one that succeeded, never by being silent.
//
// Every worker that reads such a device may write it: under a lock on the directory, and by replacing the file, so that
// readers need none.
class SuspectList {
 public:
  SuspectList(std::string directory, std::string device_id);

  // The device's id may be any bytes and of any length; the name of its file is a digest of it.
  const std::string& path() const { return path_; }
  const std::string& directory() const { return directory_; }

  // What is listed; nothing where there is no file. Errors: the errno; kCorrupt with line and column.
  Result<RangeSet> read() const;

  // What direct reads have just shown: `good` is taken out, `bad` is added. Gives what is listed then, durable on
  // return. Errors: those of read(); kRefused if the list would have more than kMostSuspects pieces. The file then is
  // as it was.
  Result<RangeSet> note(const RangeSet& bad, const RangeSet& good) const;

 private:
  Status write(const RangeSet& listed) const;

  std::string directory_;
  std::string device_id_;
  std::string path_;
};

// A device of which so many separate pieces are bad needs no list any more.
inline constexpr std::size_t kMostSuspects = 10'000;

}  // namespace pmend::worker
