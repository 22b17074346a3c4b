// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel/worker/worker_client.hpp"

#include <memory>
#include <vector>

namespace pmend::world {

inline const PlanBasis kBasis{"test-rule", std::string(64, 'a')};

// A world whose bad sectors are planned by a real observing worker and repaired by a real repairing one. For fixtures
// to derive from.
class RepairRig {
 protected:
  // The medium takes writes to bad sectors; the device is watched.
  void start(const WorldOptions& options, ListKind list = ListKind::kOfMedium);

  protocol::Observation observe(const ByteRange& bad);
  protocol::RepairRequest plan_for(const ByteRange& bad);
  // Carries the job out, letting every step proceed.
  protocol::RepairReply repair(const protocol::RepairRequest& request);
  static std::vector<ByteRange> units_of(const protocol::RepairRequest& request);

  std::unique_ptr<World> world_;
  std::unique_ptr<WorkerService> service_;
  std::unique_ptr<WorkerClient> observer_;
  protocol::DeviceInfo device_;
};

}  // namespace pmend::world
