// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/common_options.hpp"
#include "cli/parse.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/base/range.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

// The command line of pmendctl.
namespace pmend::ctl {

enum class Verb {
  kStatus,
  kDevices,
  kList,
  kShow,
  kReport,
  kLocate,
  kExplain,
  kApprove,
  kDismiss,
  kRetry,
  kPause,
  kResume,
  kScrub,
  kEvacuateList,
  kWatch,
  kPolicyCheck,
  kPolicyTest,
  kPolicyShow,
  kPolicyReload,
  kMetrics,
  kDrill,
};

enum class ReportFormat { kText, kJson, kDdrescue, kRanges };

struct DeviceRange {
  std::string device;
  ByteRange range;

  friend bool operator==(const DeviceRange&, const DeviceRange&) = default;
};

// What locate and explain are asked about: a path where it is a string.
using Subject = std::variant<std::monostate, IncidentId, DeviceRange, std::string>;

struct Options {
  Verb verb = Verb::kStatus;
  bool json = false;
  std::string host;  // empty: this machine
  cli::Bus bus;

  // Each of these belongs to the verbs named and is empty for all others.
  std::string state;                  // list
  bool all = false;                   // list, evacuate-list
  bool null = false;                  // evacuate-list
  std::vector<IncidentId> incidents;  // show, report: one; approve, dismiss, retry: one or more
  ReportFormat format{};              // report
  Subject subject;                    // locate: a device range or a path; explain: also an incident
  bool from_stdin = false;         // locate: the questions come from stdin, and `device` is theirs where they name none
  std::uint64_t block_size = 0;    // locate: bytes, of block numbers on stdin; 0: not given
  bool offline = false;            // locate: without pmend
  std::string worker;              // locate: PATH or unix:SOCKET; empty: found
  std::string plan_hash;           // approve
  std::string device;              // scrub, evacuate-list; resume, locate: may be empty
  bool cancel = false;             // scrub
  std::vector<std::string> files;  // policy check: any number; policy test: one
};

cli::Parsed<Options> parse_options(std::vector<std::string> args);

}  // namespace pmend::ctl
