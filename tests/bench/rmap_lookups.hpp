// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace pmend::bench {

// Who has this block, of so many extents: the index beside std::map and boost::icl::interval_map. Prints.
void measure_lookups(std::uint64_t extents);

}  // namespace pmend::bench
