// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/common_options.hpp"
#include "pmend/base/error.hpp"

#include <memory>
#include <string>

namespace sdbus {
class Error;
class IConnection;
}  // namespace sdbus

namespace pmend::bus {

// Connects and waits until the bus has answered. Errors: the errno, with the bus named in the text.
Result<std::unique_ptr<sdbus::IConnection>> open_bus(const cli::Bus& bus);

// The same on another machine: ssh(1) starts systemd-stdio-bridge(1) there. `host` does not start with a dash.
Result<std::unique_ptr<sdbus::IConnection>> open_remote_bus(const std::string& host);

// What the bus library says, as an error of ours. Its errno where it has one.
Error to_error(const sdbus::Error& error, const std::string& what);

}  // namespace pmend::bus
