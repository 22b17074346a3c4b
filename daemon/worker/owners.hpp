// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/observe_verbs.hpp"
#include "pmend/rmap/owner_resolver.hpp"
#include "worker/setting.hpp"

#include <chrono>
#include <vector>

// Who has which bytes of a device: the reverse map for what lies on mounted file systems, the block stack for the rest.
namespace pmend::worker {

struct FactsWanted {
  std::vector<protocol::Fact> facts;
  std::chrono::milliseconds names_limit;
};

// In order of device offset; `listed` and `readable` are left open. Blocks, on metadata I/O and perhaps on a walk over
// a file system. What could not be found out is an owner of kind unknown with the reason.
Result<std::vector<protocol::ObservedRange>> find_owners(const Setting& setting, const block::BlockContext& context,
                                                         const std::vector<ByteRange>& ranges,
                                                         const FactsWanted& wanted);

// The file system of a volume of use kMounted, as the reverse map wants it.
rmap::MountedFileSystem mounted(const block::Volume& volume);

}  // namespace pmend::worker
