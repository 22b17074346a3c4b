// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/client.hpp"
#include "ctl/console.hpp"
#include "ctl/options.hpp"
#include "pmend/base/range.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace pmend::ctl {

// Who can be asked where things lie: pmend, or a worker of pmendctl's own. Every function waits for the answer, which
// has the form of protocol::LocateReply.
class Locator {
 public:
  Locator() = default;
  Locator(const Locator&) = delete;
  Locator& operator=(const Locator&) = delete;
  virtual ~Locator() = default;

  virtual Asked<nlohmann::json> range(const DeviceRange& range) = 0;
  // At most protocol::kMostLocateRanges of one device, as one question. What lies behind its end is left out.
  virtual Asked<nlohmann::json> ranges(const std::string& device, const std::vector<ByteRange>& ranges) = 0;
  virtual Asked<nlohmann::json> path(const std::string& absolute_path) = 0;
};

class BusLocator final : public Locator {
 public:
  // The client outlives it.
  explicit BusLocator(Client& client) : client_(client) {}

  Asked<nlohmann::json> range(const DeviceRange& range) override { return client_.locate(range); }
  Asked<nlohmann::json> ranges(const std::string& device, const std::vector<ByteRange>& ranges) override {
    return client_.locate(device, ranges);
  }
  Asked<nlohmann::json> path(const std::string& absolute_path) override { return client_.locate(absolute_path); }

 private:
  Client& client_;
};

}  // namespace pmend::ctl
