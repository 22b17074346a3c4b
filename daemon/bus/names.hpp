// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The names on the bus, see dbus/ and DESIGN.md section 7.
namespace pmend::bus {

inline constexpr const char* kBusName = "org.pmend1";
inline constexpr const char* kRootPath = "/org/pmend1";
inline constexpr const char* kManagerInterface = "org.pmend1.Manager";
inline constexpr const char* kDeviceInterface = "org.pmend1.Device";
inline constexpr const char* kIncidentInterface = "org.pmend1.Incident";

inline constexpr const char* kErrorNotFound = "org.pmend1.Error.NotFound";
inline constexpr const char* kErrorStalePlan = "org.pmend1.Error.StalePlan";
inline constexpr const char* kErrorNotAuthorized = "org.pmend1.Error.NotAuthorized";
inline constexpr const char* kErrorBusy = "org.pmend1.Error.Busy";
inline constexpr const char* kErrorUnavailable = "org.pmend1.Error.Unavailable";
inline constexpr const char* kErrorInvalid = "org.pmend1.Error.Invalid";

// So many open incidents are objects; ListIncidents gives all.
inline constexpr std::size_t kMaxExportedIncidents = 1000;
// So many incidents fit into one answer of ListIncidents.
inline constexpr std::uint32_t kMaxPage = 1000;

// "/org/pmend1/incident/7"
std::string incident_path(std::uint64_t id);
// "/org/pmend1/device/pmem0" of "/dev/pmem0", escaped as sd_bus_path_encode(3) does.
std::string device_path(std::string_view device);

}  // namespace pmend::bus
