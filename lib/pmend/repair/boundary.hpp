// SPDX-License-Identifier: Apache-2.0
#pragma once

// Places between two actions of a repair at which a test build can be stopped or killed, so that a test can visit every
// one of them. In other builds they are nothing.
//
// A test build (CMake option PMEND_TEST_BOUNDARIES) counts them from 1 as they are passed and looks at the environment:
// PMEND_STOP_AT=N raises SIGSTOP at the N-th, PMEND_KILL_AT=N SIGKILL; PMEND_BOUNDARY_LOG=FILE appends "N name\n" for
// each, which tells how many there are.
namespace pmend::repair {

#ifdef PMEND_TEST_BOUNDARIES
void boundary(const char* name);
#else
inline void boundary(const char*) {}
#endif

}  // namespace pmend::repair
