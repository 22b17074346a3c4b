// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/json.hpp"

#include <string>
#include <vector>

namespace pmend {

// A contiguous run of bad bytes on one block device, as one source reported it.
struct MediaError {
  std::string device;      // the kernel's node, e.g. /dev/pmem0: a hint for people, changes between boots
  std::string device_id;   // what the device is known by: "ns:UUID", "wwn:…", "partuuid:…", "loop:…"
  ByteRange device_range;  // from the start of that block device
  std::string source;      // who says so: "badblocks", "region", "ars", "memory-failure", "list", "read", …

  friend bool operator==(const MediaError&, const MediaError&) = default;
};

// What one source says of one device now. Also the answer to `list`.
struct MediaErrorList {
  std::string device;
  std::string device_id;
  std::string source;
  std::vector<ByteRange> ranges;  // of the device, in order, disjoint
  // True if `ranges` is all there is: only then is what is missing gone. The kernel cuts its list at one page of text.
  bool complete = false;

  friend bool operator==(const MediaErrorList&, const MediaErrorList&) = default;
};

Json to_json(const MediaError& error);
void read_json(const JsonReader& in, MediaError& error);
Json to_json(const MediaErrorList& list);
void read_json(const JsonReader& in, MediaErrorList& list);

}  // namespace pmend
