// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/mode.hpp"
#include "medium/poison_map.hpp"
#include "medium/request.hpp"

#include <vector>

namespace pmend::medium {

// What becomes of one request. Made before anything is done.
struct Decision {
  int error = 0;                 // the errno to report, 0 for success
  std::vector<ByteRange> parts;  // what is read, written or zeroed in the image; empty after an error
  bool touched_poison = false;
  bool cures = false;  // poison of the whole range goes
  bool lies = false;   // success is reported, poison stays

  friend bool operator==(const Decision&, const Decision&) = default;
};

// Pure. The rules, first match wins:
// - read: only poison in a touched sector matters, then Mode::read decides;
// - nosupp: EOPNOTSUPP;
// - the request covers a poisoned sector only partly: EIO, in every mode: the rest of that sector is lost, so the
//   sector cannot become good;
// - discard=lie: success and nothing happens at all (a discard promises no content);
// - no poison: everything is done;
// - eio, clear, lie: EIO; everything is done; the good sectors are done and the rest is dropped.
Decision decide(const Mode& mode, const PoisonMap& map, const Request& request);

}  // namespace pmend::medium
