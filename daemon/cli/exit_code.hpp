// SPDX-License-Identifier: Apache-2.0
#pragma once

// The exit statuses of the programs, as their manual pages list them. The values above 63 are those of sysexits.h.
namespace pmend::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitUsage = 64;        // the command line is wrong; one line on stderr names what
inline constexpr int kExitUnavailable = 69;  // what is needed for this is not there
inline constexpr int kExitInternal = 70;     // a broken invariant of the program itself
inline constexpr int kExitTaken = 75;        // another one has what this one needs, or it is not there now
inline constexpr int kExitConfig = 78;       // configuration, policy or a directory that it names is wrong

}  // namespace pmend::cli
