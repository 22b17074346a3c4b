// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// Places between two actions at which a test build can be stopped, so that a test can visit every one of them. In other
// builds they are nothing.
//
// A test build (CMake option PMEND_TEST_BOUNDARIES) counts them from 1 in each thread that has named its role, and
// looks at the environment. PMEND_STOP_AT=ROLE:N raises SIGSTOP at the N-th, if PMEND_BOUNDARY_TOKEN=FILE can be
// unlinked there: a process that is started again in the same environment goes on. PMEND_BOUNDARY_LOG=FILE appends
// "ROLE N PID NAMEDETAIL\n" for each, and the same with N = 0 and "begins" where a role is named.
namespace pmend {

#ifndef PMEND_NO_BOUNDARIES
// The role of this thread from here on; it begins to count anew. The name must outlive the thread.
void begin_boundaries(const char* role);
void boundary(std::string_view name, std::string_view detail = {});
#else
inline void begin_boundaries(const char*) {}
inline void boundary(std::string_view, std::string_view = {}) {}
#endif

}  // namespace pmend
