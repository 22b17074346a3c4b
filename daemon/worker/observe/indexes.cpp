// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/indexes.hpp"

#include "pmend/block/device.hpp"
#include "pmend/rmap/index_cache.hpp"

#include <sys/sysmacros.h>

namespace pmend::worker {
namespace {

std::string name_of(const block::SystemRoots& roots, dev_t device) {
  const auto found = block::read_device(roots, device);
  return found ? found->node : "device " + std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

}  // namespace

Indexes::Indexes(boost::asio::io_context& io, const Setting& setting, const RunChild& run_child, const Notice& notice)
    : setting_(setting),
      notice_(notice),
      pressure_(io, setting.roots.proc, [this] { rmap::drop_indexes(index_directory(setting_.options)); }),
      hints_(io, setting, run_child, notice) {}

void Indexes::look() {
  hints_.look();
  for (const dev_t device : rmap::too_large_indexes(index_directory(setting_.options))) {
    if (told_.insert(device).second) {
      notice_("index", "who has which bytes of " + name_of(setting_.roots, device) +
                           " does not fit into index_mib, which is " + std::to_string(setting_.config.index_mib) +
                           ": all its inodes are read for each question");
    }
  }
}

}  // namespace pmend::worker
