// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/places.hpp"

namespace pmend::worker {

// Serves one connection in this process. Where the options do not fix the role, the greeting of pmend asks for one.
// Returns the exit status.
int serve_connection(Setting setting, UniqueFd socket);

// Accepts connections on the socket of the options and serves each in a forked process of its own, until it is killed:
// those processes go on. For tests and for machines without systemd, whose socket units do the same. Returns the exit
// status.
int listen_and_serve(const Setting& setting);

}  // namespace pmend::worker
