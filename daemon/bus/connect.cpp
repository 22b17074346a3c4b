// SPDX-License-Identifier: Apache-2.0
#include "bus/connect.hpp"

#include <sdbus-c++/sdbus-c++.h>
#include <systemd/sd-bus.h>

#include <functional>

namespace pmend::bus {
namespace {

using Connection = std::unique_ptr<sdbus::IConnection>;

Result<Connection> connect(const std::string& what, const std::function<Connection()>& open) {
  try {
    return open();
  } catch (const sdbus::Error& error) {
    return tl::make_unexpected(to_error(error, what));
  }
}

}  // namespace

Result<Connection> open_bus(const cli::Bus& bus) {
  switch (bus.kind) {
    case cli::Bus::Kind::kSystem:
      return connect("system bus", [] { return sdbus::createSystemBusConnection(); });
    case cli::Bus::Kind::kSession:
      return connect("session bus", [] { return sdbus::createSessionBusConnection(); });
    case cli::Bus::Kind::kAddress:
      return connect("bus " + bus.address, [&] { return sdbus::createSessionBusConnectionWithAddress(bus.address); });
  }
  return fail(Errc::kInternal, "unknown kind of bus");
}

Result<Connection> open_remote_bus(const std::string& host) {
  return connect("system bus of " + host, [&] { return sdbus::createRemoteSystemBusConnection(host); });
}

Error to_error(const sdbus::Error& error, const std::string& what) {
  sd_bus_error raw{};
  raw.name = error.getName().c_str();
  raw.message = error.getMessage().c_str();
  // EIO is what sd-bus makes of names that it has no errno for.
  return {.code = std::error_code(sd_bus_error_get_errno(&raw), std::system_category()),
          .what = what + ": " + error.getMessage()};
}

}  // namespace pmend::bus
