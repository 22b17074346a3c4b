// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/report.hpp"

#include <iosfwd>

// A report for other programs.
namespace pmend::ctl {

// "OFFSET LENGTH PATH" for every lost range and every name of its file, the offset in the file, the name escaped; where
// there is no file, the offset on the device and the device.
void print_ranges_format(std::ostream& out, const Report& report);

// A mapfile of GNU ddrescue for the device, from its start to the last unit: '-' lost, '+' there, '*' bad and not
// repaired yet, '?' not looked at.
void print_ddrescue_format(std::ostream& out, const Report& report);

}  // namespace pmend::ctl
