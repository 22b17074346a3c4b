// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/ext4/block_map.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace pmend::rmap::ext4 {

// Called with each entry of a directory but for "." and "..".
using EntryVisit = std::function<void(std::uint32_t inode, std::string_view name)>;

// The entries in a piece of a directory. What comes after an entry that cannot be one is not seen.
void visit_entries(const Geometry& geometry, std::span<const std::byte> entries, const EntryVisit& visit);

// Adds who has a name in a piece of a directory, but for "." and "..". What comes after an entry that cannot be one is
// not seen.
void read_entries(const Geometry& geometry, std::uint32_t directory, std::span<const std::byte> entries,
                  std::vector<ParentLink>& links);

// The same of all blocks of directories, each read once, in order of place; false if `stop` said so.
bool read_directories(const Layout& layout, std::vector<IndexedExtent> directories, const std::function<bool()>& stop,
                      Damage& damage, std::vector<ParentLink>& links);

}  // namespace pmend::rmap::ext4
