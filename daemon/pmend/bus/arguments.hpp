// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/backend.hpp"

#include <cstdint>
#include <string>
#include <vector>

// What callers may say, checked. Errors of all: Invalid with a text that names the argument.
namespace pmend::bus {

// Neither repaired nor cleared nor dismissed: these are objects on the bus, and listed where nothing else is asked for.
bool is_open(IncidentState state);

// The arguments of ListIncidents. The device is still as the caller named it.
Answer<IncidentQuery> parse_query(const Json& filter, std::uint32_t limit, const std::string& cursor);
std::string to_cursor(std::optional<IncidentId> next);

Answer<protocol::LocateRequest> parse_range(const std::string& device, std::uint64_t offset, std::uint64_t length);
Answer<protocol::LocateRequest> parse_ranges(const std::string& device, const std::vector<std::uint64_t>& offsets,
                                             const std::vector<std::uint64_t>& lengths);
Answer<protocol::LocateRequest> parse_path(const std::vector<std::uint8_t>& path);

// How many of the page's incidents fit into one answer: those with thousands of names are large. At least one.
std::size_t fitting(const std::vector<Incident>& incidents);

}  // namespace pmend::bus
