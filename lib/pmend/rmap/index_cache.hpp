// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/index_file.hpp"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pmend::rmap {

struct IndexOptions {
  // Where indexes are kept, one file a file system, so that they outlive the process: in memory (tmpfs), and for this
  // user alone. Made if it is missing. Empty: they are kept in this process.
  std::string directory;
  // Of all indexes together. One that is larger is not kept.
  std::uint64_t budget_bytes = 256ULL << 20U;
};

// One index for each file system. Nothing here is needed for an answer: whatever fails only costs another scan.
class IndexCache {
 public:
  explicit IndexCache(IndexOptions options) : options_(std::move(options)) {}

  std::uint64_t budget_bytes() const { return options_.budget_bytes; }
  // Nothing if there is none.
  std::shared_ptr<const InodeIndex> find(const IndexKey& key);
  // In place of the one before; others go, the oldest first, until all are within the budget.
  void put(const IndexKey& key, std::shared_ptr<const InodeIndex> index);
  // One cannot be put, because it alone is larger than the budget.
  void note_too_large(const IndexKey& key);

 private:
  struct Kept {
    IndexKey key;
    std::shared_ptr<const InodeIndex> index;
  };

  void make_room(std::uint64_t bytes);

  IndexOptions options_;
  std::vector<Kept> kept_;  // the oldest first
};

// Devices that have an index in a directory.
std::vector<dev_t> kept_indexes(const std::string& directory);

// Devices whose index could not be kept in a directory because it alone is larger than the budget.
std::vector<dev_t> too_large_indexes(const std::string& directory);

// Drops all indexes in a directory. Whoever has one mapped keeps it.
void drop_indexes(const std::string& directory);

}  // namespace pmend::rmap
