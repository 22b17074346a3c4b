// SPDX-License-Identifier: Apache-2.0
#include "ctl/incident_text.hpp"
#include "ctl/report_formats.hpp"
#include "ctl/storm_line.hpp"
#include "ctl/text.hpp"
#include "ctl/understand.hpp"
#include "ctl/verbs.hpp"
#include "pmend/model/json_fields.hpp"

#include <map>
#include <optional>
#include <ostream>
#include <utility>

namespace pmend::ctl {
namespace {

using Json = nlohmann::json;

// The answer of Manager.Status.
struct StatusView {
  std::string pmend_version;
  std::string state;
  std::string reason;
  bool observing = false;
  std::uint64_t devices = 0;
  std::uint64_t open_incidents = 0;
  std::map<std::string, std::uint64_t> states;
  std::string policy_hash;
  std::vector<std::string> policy_problems;
  std::vector<StormLine> storms;
  std::vector<std::string> notices;
};

void read_json(const JsonReader& in, StatusView& view) {
  FieldReader field(in);
  field("pmend_version", view.pmend_version);
  field("state", view.state);
  field("reason", view.reason);
  field("observing", view.observing);
  field("devices", view.devices);
  field("open_incidents", view.open_incidents);
  field("policy_hash", view.policy_hash);
  field("policy_problems", view.policy_problems);
  field("storms", view.storms);
  field("notices", view.notices);
  JsonObjectReader object(in);
  if (const auto states = object.required("states")) {
    JsonObjectReader counts(*states);
    for (const std::string& state : counts.keys()) {
      view.states[state] = counts.required(state)->u64();
    }
  }
}

// The answer of Manager.ListDevices, one of them.
struct DeviceLine {
  protocol::DeviceInfo info;
  std::uint64_t bad_bytes = 0;
  bool list_complete = false;
};

void read_json(const JsonReader& in, DeviceLine& line) {
  Json info = in.value();
  JsonObjectReader object(in);
  if (const auto bytes = object.required("bad_bytes")) {
    line.bad_bytes = bytes->u64();
  }
  if (const auto complete = object.required("list_complete")) {
    line.list_complete = complete->boolean();
  }
  if (info.is_object()) {
    info.erase("bad_bytes");
    info.erase("list_complete");
  }
  if (const auto read = from_json<protocol::DeviceInfo>(info)) {
    line.info = *read;
  } else {
    in.problem(read.error().what);
  }
}

void print_status(std::ostream& out, const StatusView& view) {
  out << "pmend " << safe_line(view.pmend_version) << " is " << safe_line(view.state)
      << (view.reason.empty() ? "" : ": " + safe_line(view.reason)) << '\n';
  if (!view.observing) {
    out << "The observing worker is not connected: nothing new is noticed.\n";
  }
  out << count(view.devices, "device") << " watched, " << count(view.open_incidents, "open incident") << '\n';
  for (const auto& [state, number] : view.states) {
    out << "  " << number << ' ' << safe_line(state) << '\n';
  }
  for (const StormLine& line : view.storms) {
    const std::string device = safe_line(line.device);
    out << "Errors spread on " << device << ": " << line.storm.incidents << " new incidents within an hour at "
        << to_rfc3339(line.storm.since) << ", the limit is " << line.storm.limit
        << ".\n  Nothing on it is repaired unless it is approved, until pmendctl resume " << device << ".\n";
  }
  for (const std::string& problem : view.policy_problems) {
    out << "Policy problem: " << safe_line(problem) << '\n';
  }
  for (const std::string& notice : view.notices) {
    out << "Notice: " << safe_line(notice) << '\n';
  }
}

std::string pmem_text(const protocol::PmemInfo& pmem) {
  std::string dimms;
  for (const protocol::PmemDimm& dimm : pmem.dimms) {
    dimms += (dimms.empty() ? " on " : ", ") + dimm.name + (dimm.id.empty() ? "" : " " + dimm.id) +
             (dimm.health.empty() || dimm.health == "ok" ? "" : " (" + dimm.health + ")");
  }
  const auto& [can, reason, advice] = pmem.clearing;
  return std::string(to_string(pmem.mode)) + " " + pmem.name_space + " in " + pmem.region + " of bus " + pmem.bus +
         dimms + "; a write clears bad places: " + std::string(to_string(can)) + " (" + reason + ")" +
         (advice.empty() ? "" : "; advice: " + advice);
}

void print_devices(std::ostream& out, const std::vector<DeviceLine>& lines) {
  constexpr auto kRight = Column::Set::kRight;
  std::vector<std::vector<std::string>> rows;
  rows.reserve(lines.size());
  for (const DeviceLine& line : lines) {
    const protocol::DeviceInfo& info = line.info;
    rows.push_back({safe_line(info.device), std::to_string(info.size),
                    std::to_string(info.logical_block_size) + "/" + std::to_string(info.physical_block_size),
                    std::to_string(info.repair_unit), info.fast_zero > 0 ? std::to_string(info.fast_zero) : "-",
                    std::to_string(line.bad_bytes) + (line.list_complete ? "" : " or more"),
                    info.filesystem ? filesystem_text(*info.filesystem) : "-", safe_line(info.device_id)});
  }
  print_table(out,
              {{"DEVICE"},
               {"SIZE", kRight},
               {"BLOCK", kRight},
               {"UNIT", kRight},
               {"FAST ZERO", kRight},
               {"BAD", kRight},
               {"FILE SYSTEM"},
               {"ID"}},
              rows);
  for (const DeviceLine& line : lines) {
    if (line.info.pmem) {
      out << safe_line(line.info.device + ": " + pmem_text(*line.info.pmem)) << '\n';
    }
  }
}

// Prints the answer as JSON, or what `print` makes of it.
template <class T, class Print>
int print_answer(const Asked<Json>& answer, const Options& options, const Console& console, const Print& print) {
  if (!answer) {
    return tell(console, answer.error());
  }
  if (options.json) {
    print_json(console.out, *answer);
    return cli::kExitDone;
  }
  const auto value = understand<T>(*answer);
  if (!value) {
    return tell(console, value.error());
  }
  print(*value);
  return cli::kExitDone;
}

// Who has its files open is looked for now, by the privileged worker, and only for root. Without that the rest is as
// good.
void add_openers(Client& client, IncidentId id, Json& answer) {
  auto incident = understand<Incident>(answer);
  const auto found = incident ? client.openers(id) : tl::make_unexpected(Problem());
  const auto files = found ? understand<std::vector<protocol::FileOpeners>>(*found) : tl::make_unexpected(Problem());
  if (!files) {
    return;
  }
  for (const protocol::FileOpeners& file : *files) {
    for (Owner& owner : incident->owners) {
      if (owner.file == file.file) {
        owner.open_by = file.open_by;
      }
    }
  }
  answer = to_json(*incident);
}

// The same of an array, which is member `key` of the JSON.
template <class T, class Print>
int print_list(const Asked<Json>& answer, const char* key, const Options& options, const Console& console,
               const Print& print) {
  if (answer && options.json) {
    print_json(console.out, {{key, *answer}});
    return cli::kExitDone;
  }
  return print_answer<std::vector<T>>(answer, options, console, print);
}

}  // namespace

int show_status(Client& client, const Options& options, const Console& console) {
  return print_answer<StatusView>(client.status(), options, console,
                                  [&](const StatusView& view) { print_status(console.out, view); });
}

int list_devices(Client& client, const Options& options, const Console& console) {
  return print_list<DeviceLine>(client.devices(), "devices", options, console,
                                [&](const std::vector<DeviceLine>& lines) { print_devices(console.out, lines); });
}

int list_incidents(Client& client, const Options& options, const Console& console) {
  Json filter = Json::object();
  if (options.all) {
    filter.emplace("all", true);
  }
  if (!options.state.empty()) {
    filter.emplace("state", options.state);
  }
  return print_list<Incident>(client.incidents(filter), "incidents", options, console,
                              [&](const std::vector<Incident>& incidents) {
                                if (incidents.empty()) {
                                  console.err << "No incidents.\n";
                                } else {
                                  print_incident_table(console.out, incidents);
                                }
                              });
}

int show_incident(Client& client, const Options& options, const Console& console) {
  auto answer = client.incident(options.incidents.front());
  if (answer) {
    add_openers(client, options.incidents.front(), *answer);
  }
  if (answer && options.json) {
    print_json(console.out, {{"incident", *answer}});
    return cli::kExitDone;
  }
  return print_answer<Incident>(answer, options, console,
                                [&](const Incident& incident) { print_incident(console.out, incident); });
}

int show_report(Client& client, const Options& options, const Console& console) {
  Options as_wanted = options;
  as_wanted.json = options.format == ReportFormat::kJson;
  const auto answer = client.report(options.incidents.front());
  return print_answer<Report>(answer, as_wanted, console, [&](const Report& report) {
    if (options.format == ReportFormat::kDdrescue) {
      print_ddrescue_format(console.out, report);
    } else if (options.format == ReportFormat::kRanges) {
      print_ranges_format(console.out, report);
    } else {
      print_report(console.out, report);
    }
  });
}

}  // namespace pmend::ctl
