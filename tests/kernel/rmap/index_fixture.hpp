// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel/rmap/disk.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace pmend::rmap {

struct IndexedKind {
  const char* name;
  const char* type;
  std::vector<std::string> mkfs;
  std::uint64_t block_bytes = 4096;
  std::uint64_t cluster_bytes = 0;  // of bigalloc: what is left of a cluster belongs to nobody

  bool is_xfs() const { return std::string_view(type) == "xfs"; }
  bool has_reverse_map() const { return is_xfs() && std::string_view(name) != "xfs_without_rmapbt"; }
  bool has_parent_pointers() const { return std::string_view(name) == "xfs_parents"; }
};

// For gtest, instead of the bytes.
inline void PrintTo(const IndexedKind& kind, std::ostream* out) {
  *out << kind.name;
}

// PMEND_LONG=1: the sizes of a real file system.
bool long_run();

// A file system of each kind whose owners come from an index, and XFS with rmapbt beside them.
class IndexTest : public testing::TestWithParam<IndexedKind> {
 protected:
  void SetUp() override;

  bool is_xfs() const { return GetParam().is_xfs(); }
  // GETFSMAP of XFS without rmapbt does not tell directories and attributes from other metadata.
  bool knows_all() const { return std::string(GetParam().name) != "xfs_without_rmapbt"; }
  bool tells_all() const { return knows_all() && GetParam().cluster_bytes == 0; }
  std::string at(const std::string& name) const { return *fs_ / name; }
  std::vector<OwnedRange> resolve(const std::vector<ByteRange>& ranges, const std::vector<protocol::Fact>& facts = {});

  std::uint64_t bytes_ = 0;
  std::unique_ptr<disk::TempDirectory> directory_;
  std::unique_ptr<disk::Loop> loop_;
  std::unique_ptr<disk::Mounted> fs_;
  std::unique_ptr<OwnerResolver> resolver_ = make_owner_resolver();
};

// Files of all shapes: small, fragmented, sparse, linked, with large attributes, removed, in a long directory.
void fill_with_all_shapes(const disk::Mounted& fs, std::uint64_t block_bytes);

const std::vector<IndexedKind>& indexed_kinds();
std::vector<IndexedKind> indexed_kinds(const std::function<bool(const IndexedKind&)>& wanted);

}  // namespace pmend::rmap
