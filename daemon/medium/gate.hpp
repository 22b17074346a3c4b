// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/request.hpp"
#include "pmend/base/error.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Parks requests until a test lets them go: how a test stops the world at a chosen write.
namespace pmend::medium {

struct GateRule {
  std::optional<Operation> operation;  // nothing: any; kZero: discards too
  ByteRange range;
  bool once = false;  // the rule is gone after its first match

  bool matches(const Request& request) const;
  friend bool operator==(const GateRule&, const GateRule&) = default;
};

struct GateCommand {
  enum class Kind { kHold, kRelease, kFail };

  Kind kind = Kind::kHold;
  GateRule rule;  // of kHold

  friend bool operator==(const GateCommand&, const GateCommand&) = default;
};

// Lines "hold read|write|zero|any OFFSET LENGTH", "hold-one …", "release", "fail"; offsets and lengths in bytes.
// Errors: kInvalid if any line is something else.
Result<std::vector<GateCommand>> parse_gate_commands(std::string_view text);

// Thread-safe.
class Gate {
 public:
  // Parks the request with a copy of its data and takes `done`, or returns false and leaves `done` alone.
  bool park(const Request& request, Completion& done);
  void add(const GateRule& rule);
  // Removes all rules and hands over the parked requests in the order in which they came.
  std::vector<HeldRequest> open();
  // The rules as they were written, then "parked read|write|zero|discard OFFSET LENGTH", a line each.
  std::string describe() const;

 private:
  mutable std::mutex mutex_;
  std::vector<GateRule> rules_;
  std::vector<HeldRequest> parked_;
};

}  // namespace pmend::medium
