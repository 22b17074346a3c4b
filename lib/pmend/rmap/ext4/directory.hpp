// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/ext4/block_map.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace pmend::rmap::ext4 {

// Adds who has a name in a piece of a directory, but for "." and "..". What comes after an entry that cannot be one is
// not seen.
void read_entries(const Geometry& geometry, std::uint32_t directory, std::span<const std::byte> entries,
                  std::vector<ParentLink>& links);

// The same of all blocks of directories, each read once, in order of place; false if `stop` said so.
bool read_directories(const Layout& layout, std::vector<IndexedExtent> directories, const std::function<bool()>& stop,
                      Damage& damage, std::vector<ParentLink>& links);

}  // namespace pmend::rmap::ext4
