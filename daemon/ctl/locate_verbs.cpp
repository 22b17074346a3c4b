// SPDX-License-Identifier: Apache-2.0
#include "ctl/incident_text.hpp"
#include "ctl/locate_lines.hpp"
#include "ctl/offline_locator.hpp"
#include "ctl/patience.hpp"
#include "ctl/text.hpp"
#include "ctl/understand.hpp"
#include "ctl/verbs.hpp"
#include "pmend/model/json_fields.hpp"

#include <filesystem>
#include <optional>
#include <ostream>
#include <system_error>
#include <utility>

namespace pmend::ctl {
namespace {

using Json = nlohmann::json;

// One element of the answer of Manager.Explain.
struct FindingLine {
  std::string key;
  std::string holds;
  std::string detail;
};
struct RuleLine {
  std::string rule;
  std::string where;
  std::string action;
  bool matches = false;
  bool decides = false;
  std::optional<FilePath> path;  // what the findings are about, where there are several names
  std::vector<FindingLine> findings;
};

void read_json(const JsonReader& in, FindingLine& line) {
  FieldReader field(in);
  field("key", line.key);
  field("holds", line.holds);
  field("detail", line.detail);
  field.finish();
}

void read_json(const JsonReader& in, RuleLine& line) {
  FieldReader field(in);
  field("rule", line.rule);
  field("where", line.where);
  field("action", line.action);
  field("matches", line.matches);
  field("decides", line.decides);
  field("path", line.path);
  field("findings", line.findings);
  field.finish();
}

Asked<Json> locate_subject(Locator& locator, const Subject& subject) {
  if (const auto* range = std::get_if<DeviceRange>(&subject)) {
    return locator.range(*range);
  }
  const auto* path = std::get_if<std::string>(&subject);
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path == nullptr ? std::string() : *path, error);
  if (error) {
    return tl::make_unexpected(Problem{kExitFailed, "cannot find the current directory: " + error.message()});
  }
  return locator.path(absolute.native());
}

// Which bytes of which device the subject is.
struct Place {
  std::string device_id;
  std::vector<ByteRange> ranges;
};

Asked<Place> place_of(Client& client, const Subject& subject) {
  BusLocator locator(client);
  const auto answer = locate_subject(locator, subject);
  if (!answer) {
    return tl::make_unexpected(answer.error());
  }
  const auto location = understand<protocol::LocateReply>(*answer);
  if (!location) {
    return tl::make_unexpected(location.error());
  }
  Place place{.device_id = location->device.device_id, .ranges = {}};
  if (const auto* range = std::get_if<DeviceRange>(&subject)) {
    place.ranges.push_back(range->range);
    return place;
  }
  for (const Owner& owner : location->owners) {
    place.ranges.push_back(owner.device_range);
  }
  return place;
}

bool touches(const Incident& incident, const std::vector<ByteRange>& ranges) {
  for (const ByteRange& range : ranges) {
    if (incident.device_range.overlaps(range)) {
      return true;
    }
  }
  return false;
}

// The open incidents that the subject is about.
Asked<std::vector<IncidentId>> incidents_of(Client& client, const Subject& subject) {
  if (const auto* id = std::get_if<IncidentId>(&subject)) {
    return std::vector{*id};
  }
  const auto place = place_of(client, subject);
  if (!place) {
    return tl::make_unexpected(place.error());
  }
  const auto answer = client.incidents({{"device", place->device_id}});
  if (!answer) {
    return tl::make_unexpected(answer.error());
  }
  const auto incidents = understand<std::vector<Incident>>(*answer);
  if (!incidents) {
    return tl::make_unexpected(incidents.error());
  }
  std::vector<IncidentId> ids;
  for (const Incident& incident : *incidents) {
    if (touches(incident, place->ranges)) {
      ids.push_back(incident.id);
    }
  }
  return ids;
}

void print_rule(std::ostream& out, const RuleLine& line) {
  const char* verdict = line.decides   ? "decides: "
                        : line.matches ? "matches, but comes too late: "
                                       : "does not match: ";
  out << "  \"" << safe_line(line.rule) << "\" (" << safe_line(line.where) << ") " << verdict << safe_line(line.action)
      << (line.path ? ", seen from " + path_text(*line.path) : std::string()) << '\n';
  for (const FindingLine& finding : line.findings) {
    out << "    " << safe_line(finding.key) << " " << safe_line(finding.holds) << ": " << safe_line(finding.detail)
        << '\n';
  }
}

struct Explained {
  Json incident;
  Json rules;
};

Asked<Explained> explain_one(Client& client, IncidentId id) {
  auto incident = client.incident(id);
  if (!incident) {
    return tl::make_unexpected(incident.error());
  }
  auto rules = client.explain(id);
  if (!rules) {
    return tl::make_unexpected(rules.error());
  }
  return Explained{std::move(*incident), std::move(*rules)};
}

Asked<void> print_explained(std::ostream& out, const Explained& explained) {
  const auto incident = understand<Incident>(explained.incident);
  const auto rules = understand<std::vector<RuleLine>>(explained.rules);
  if (!incident || !rules) {
    return tl::make_unexpected(incident ? rules.error() : incident.error());
  }
  out << "Incident " << incident->id.value << " is " << to_string(incident->state) << ": "
      << safe_line(incident->reason) << '\n';
  for (const RuleLine& line : *rules) {
    print_rule(out, line);
  }
  if (rules->empty()) {
    out << "  There are no rules: it is held.\n";
  }
  return {};
}

int locate_with(Locator& locator, const Options& options, const Console& console) {
  if (options.from_stdin) {
    return locate_lines(locator, options, console);
  }
  const auto answer = [&] {
    const Patience patience(console.err, console.terminal, [] { return std::string("looking"); });
    return locate_subject(locator, options.subject);
  }();
  if (!answer) {
    return tell(console, answer.error());
  }
  if (options.json) {
    print_json(console.out, *answer);
    return cli::kExitDone;
  }
  const auto location = understand<protocol::LocateReply>(*answer);
  if (!location) {
    return tell(console, location.error());
  }
  print_location(console.out, *location);
  return cli::kExitDone;
}

}  // namespace

int locate(Client& client, const Options& options, const Console& console) {
  BusLocator locator(client);
  return locate_with(locator, options, console);
}

int locate_offline(const Options& options, const Console& console) {
  const auto locator = OfflineLocator::start(options.worker);
  return locator ? locate_with(**locator, options, console) : tell(console, locator.error());
}

int explain(Client& client, const Options& options, const Console& console) {
  const auto ids = incidents_of(client, options.subject);
  if (!ids) {
    return tell(console, ids.error());
  }
  Json list = Json::array();
  for (const IncidentId id : *ids) {
    const auto explained = explain_one(client, id);
    if (!explained) {
      return tell(console, explained.error());
    }
    if (options.json) {
      list.push_back({{"incident", explained->incident}, {"rules", explained->rules}});
    } else if (const auto printed = print_explained(console.out, *explained); !printed) {
      return tell(console, printed.error());
    }
  }
  if (options.json) {
    print_json(console.out, {{"explained", list}});
  }
  return ids->empty() ? tell(console, {kExitNothingToDo, "no open incident lies there"}) : cli::kExitDone;
}

}  // namespace pmend::ctl
