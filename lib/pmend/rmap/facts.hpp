// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/owner.hpp"
#include "pmend/rmap/names.hpp"
#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/owner_resolver.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pmend::rmap {

// What is known of names before they are looked for.
struct KnownNames {
  const ParentTable* parents = nullptr;              // in which directories to look first
  std::size_t most_links = 0;                        // of a table of parents that may be kept
  std::map<std::uint64_t, NamesOfInode> by_inode{};  // of whom nothing more has to be found
};

// Adds the facts that were asked for to every owner that has an inode: one walk at most for all names, one look at
// /proc for all openers. What cannot be had stays absent; Owner::all_names is true only if as many names were found and
// verified as the file has links, and all of them fit into a message. A deleted file has no name, and all_names stays
// false: nothing may be concluded from names that are not there.
// How names were found goes into the evidence. Returns what FoundNames::table has.
std::optional<ParentTable> add_facts(const OpenFs& fs, const ResolveOptions& options, KnownNames known,
                                     std::vector<OwnedRange>& ranges);

// True if this fact was asked for.
bool wants(const ResolveOptions& options, protocol::Fact fact);

// What a message has left for the names of a range's owners, in bytes.
std::size_t room_for_names(const OwnedRange& range);

// Names below the mount point as absolute paths of the owner, as long as there is room; takes from it what they need.
void add_paths(const std::string& mount_point, const std::vector<std::string>& names, std::size_t& room, Owner& owner);

FileAttributes attributes_of(const struct stat& status);

// All extended attributes of the file behind a descriptor, which may be O_PATH. Nothing if they cannot be read or are
// too many to be carried along.
std::optional<std::vector<Xattr>> read_xattrs(int fd);

}  // namespace pmend::rmap
