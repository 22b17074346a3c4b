// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/arguments.hpp"

#include "bus/names.hpp"
#include "pmend/base/text.hpp"
#include "pmend/model/json_reader.hpp"

#include <climits>
#include <nlohmann/json.hpp>

namespace pmend::bus {
namespace {

// Far below what the bus takes (128 MiB), far above what a thousand usual incidents need.
constexpr std::size_t kMaxAnswerBytes = 8U << 20U;

struct Filter {
  std::vector<IncidentState> states;
  std::optional<std::string> device;
  bool all = false;
};

void read_states(const JsonReader& in, std::vector<IncidentState>& states) {
  if (in.is_array()) {
    for (const JsonReader& element : in.array(kIncidentStateNames.size())) {
      states.push_back(element.enumeration<IncidentState>());
    }
  } else {
    states.push_back(in.enumeration<IncidentState>());
  }
}

void read_json(const JsonReader& in, Filter& filter) {
  JsonObjectReader object(in);
  if (const auto state = object.optional("state")) {
    read_states(*state, filter.states);
  }
  if (const auto device = object.optional("device")) {
    filter.device = device->string();
  }
  if (const auto all = object.optional("all")) {
    filter.all = all->boolean();
  }
  object.finish();
}

std::vector<IncidentState> wanted_states(const Filter& filter) {
  if (!filter.states.empty() || filter.all) {
    return filter.states;
  }
  std::vector<IncidentState> open;
  for (const auto& entry : kIncidentStateNames) {
    if (is_open(entry.value)) {
      open.push_back(entry.value);
    }
  }
  return open;
}

// Roughly, and rather too much.
std::size_t size_on_the_bus(const Incident& incident) {
  constexpr std::size_t kFixed = 2048;
  std::size_t size = kFixed + incident.reason.size();
  for (const Owner& owner : incident.owners) {
    size += kFixed;
    for (const FilePath& path : owner.paths) {
      size += path.bytes.size() + sizeof(std::uint64_t);
    }
  }
  return size;
}

}  // namespace

bool is_open(IncidentState state) {
  return state != IncidentState::kRepaired && state != IncidentState::kCleared && state != IncidentState::kDismissed;
}

Answer<IncidentQuery> parse_query(const Json& filter, std::uint32_t limit, const std::string& cursor) {
  if (limit > kMaxPage) {
    return refuse(ErrorCode::kInvalid,
                  "limit: got " + std::to_string(limit) + ", expected at most " + std::to_string(kMaxPage));
  }
  JsonProblems problems;
  Filter wanted;
  read_json(JsonReader(filter, problems), wanted);
  if (!problems.empty()) {
    return refuse(ErrorCode::kInvalid, "filter: " + to_string(problems));
  }
  const auto after = cursor.empty() ? Result<std::uint64_t>(0) : parse_u64(cursor);
  if (!after) {
    return refuse(ErrorCode::kInvalid, "cursor: is not one that pmend gave");
  }
  return IncidentQuery{.states = wanted_states(wanted),
                       .device_id = wanted.device,
                       .after = {*after},
                       .limit = limit == 0 ? kMaxPage : limit};
}

std::string to_cursor(std::optional<IncidentId> next) {
  return next ? std::to_string(next->value) : std::string();
}

Answer<protocol::LocateRequest> parse_range(const std::string& device, std::uint64_t offset, std::uint64_t length) {
  if (device.empty() || device.size() >= PATH_MAX) {
    return refuse(ErrorCode::kInvalid, "device: is empty or too long");
  }
  if (length == 0) {
    return refuse(ErrorCode::kInvalid, "length: got 0, expected at least 1");
  }
  const auto range = make_byte_range(offset, length);
  if (!range) {
    return refuse(ErrorCode::kInvalid, "offset, length: " + range.error().what);
  }
  return protocol::LocateRequest{.where = protocol::DeviceRange{.device = device, .device_range = *range}, .path = {}};
}

Answer<protocol::LocateRequest> parse_ranges(const std::string& device, const std::vector<std::uint64_t>& offsets,
                                             const std::vector<std::uint64_t>& lengths) {
  if (offsets.size() != lengths.size() || offsets.empty() || offsets.size() > protocol::kMostLocateRanges) {
    return refuse(ErrorCode::kInvalid,
                  "offsets, lengths: expected as many of both, 1 to " + std::to_string(protocol::kMostLocateRanges));
  }
  protocol::DeviceRanges among{device, {}};
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const auto one = parse_range(device, offsets[i], lengths[i]);
    if (!one) {
      return tl::make_unexpected(one.error());
    }
    among.ranges.push_back(one->where->device_range);
  }
  return protocol::LocateRequest{.among = std::move(among)};
}

Answer<protocol::LocateRequest> parse_path(const std::vector<std::uint8_t>& path) {
  const std::string bytes(path.begin(), path.end());
  if (!bytes.starts_with('/') || bytes.size() >= PATH_MAX || bytes.find('\0') != std::string::npos) {
    return refuse(ErrorCode::kInvalid, "path: is not an absolute file name");
  }
  return protocol::LocateRequest{.where = {}, .path = FilePath{bytes}};
}

std::size_t fitting(const std::vector<Incident>& incidents) {
  std::size_t size = 0;
  std::size_t count = 0;
  for (const Incident& incident : incidents) {
    size += size_on_the_bus(incident);
    if (count > 0 && size > kMaxAnswerBytes) {
      break;
    }
    ++count;
  }
  return count;
}

}  // namespace pmend::bus
