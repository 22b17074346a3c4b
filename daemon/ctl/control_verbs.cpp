// SPDX-License-Identifier: Apache-2.0
#include "ctl/incident_text.hpp"
#include "ctl/storm_line.hpp"
#include "ctl/text.hpp"
#include "ctl/understand.hpp"
#include "ctl/verbs.hpp"
#include "pmend/model/json_fields.hpp"

#include <algorithm>
#include <functional>
#include <istream>
#include <ostream>
#include <utility>

namespace pmend::ctl {
namespace {

using Json = nlohmann::json;

// Does `one` to every incident, tells each problem, and ends with the status of the first.
int for_each_incident(const Options& options, const Console& console,
                      const std::function<Asked<void>(IncidentId)>& one) {
  Json done = Json::array();
  Json failed = Json::array();
  int status = cli::kExitDone;
  for (const IncidentId id : options.incidents) {
    const auto result = one(id);
    if (result) {
      done.push_back(id.value);
      continue;
    }
    const std::string text = "incident " + std::to_string(id.value) + ": " + result.error().text;
    const int problem = tell(console, {result.error().status, text});
    failed.push_back({{"id", id.value}, {"status", problem}, {"message", result.error().text}});
    status = status == cli::kExitDone ? problem : status;
  }
  if (options.json) {
    print_json(console.out, {{"done", done}, {"failed", failed}});
  }
  return status;
}

bool says_yes(const Console& console) {
  console.err << "Repair it by this plan? [y/N] " << std::flush;
  std::string line;
  std::getline(console.in, line);
  return line == "y" || line == "Y" || line == "yes";
}

// Shows the plan and asks; what is approved is the plan that was shown.
Asked<void> approve_after_asking(Client& client, const Console& console, IncidentId id) {
  const auto answer = client.incident(id);
  if (!answer) {
    return tl::make_unexpected(answer.error());
  }
  const auto incident = understand<Incident>(*answer);
  if (!incident) {
    return tl::make_unexpected(incident.error());
  }
  if (incident->state != IncidentState::kHeld || !incident->plan) {
    return tl::make_unexpected(Problem{kExitNothingToDo, "it is " + std::string(to_string(incident->state)) +
                                                             " and has nothing to approve: " + incident->reason});
  }
  print_incident(console.err, *incident);
  if (!says_yes(console)) {
    return tl::make_unexpected(Problem{kExitNothingToDo, "not approved"});
  }
  return client.approve(id, incident->plan->hash);
}

// Goes to `wanted` unless pmend is there already.
int change_state(Client& client, const Options& options, const Console& console, const std::string& wanted,
                 const std::function<Asked<void>()>& change) {
  const auto before = client.status();
  if (!before) {
    return tell(console, before.error());
  }
  if (const auto found = before->find("state"); found != before->end() && *found == wanted) {
    return tell(console, {kExitNothingToDo, "pmend is " + wanted + " already"});
  }
  if (const auto changed = change(); !changed) {
    return tell(console, changed.error());
  }
  if (options.json) {
    print_json(console.out, {{"state", wanted}});
  } else {
    console.err << "pmend is " << wanted << ".\n";
  }
  return cli::kExitDone;
}

// The devices of Manager.Status on which errors spread.
struct StormDevices {
  std::vector<StormLine> storms;
};

void read_json(const JsonReader& in, StormDevices& devices) {
  FieldReader field(in);
  field("storms", devices.storms);
}

bool has_storm(const Json& status, const std::string& device) {
  const auto devices = understand<StormDevices>(status);
  return devices && std::any_of(devices->storms.begin(), devices->storms.end(),
                                [&](const StormLine& line) { return line.device == device; });
}

int resume_one_device(Client& client, const Options& options, const Console& console) {
  const auto before = client.status();
  if (!before) {
    return tell(console, before.error());
  }
  if (const auto resumed = client.resume_device(options.device); !resumed) {
    return tell(console, resumed.error());
  }
  if (!has_storm(*before, options.device)) {
    return tell(console, {kExitNothingToDo, "repairs on " + options.device + " were not stopped"});
  }
  if (options.json) {
    print_json(console.out, {{"device", options.device}});
  } else {
    console.err << "Repairs on " << safe_line(options.device) << " go on.\n";
  }
  return cli::kExitDone;
}

}  // namespace

int approve(Client& client, const Options& options, const Console& console) {
  return for_each_incident(options, console, [&](IncidentId id) {
    return options.plan_hash.empty() ? approve_after_asking(client, console, id)
                                     : client.approve(id, options.plan_hash);
  });
}

int dismiss(Client& client, const Options& options, const Console& console) {
  return for_each_incident(options, console, [&](IncidentId id) { return client.dismiss(id); });
}

int retry(Client& client, const Options& options, const Console& console) {
  return for_each_incident(options, console, [&](IncidentId id) { return client.retry(id); });
}

int pause(Client& client, const Options& options, const Console& console) {
  return change_state(client, options, console, "paused", [&] { return client.pause(); });
}

int resume(Client& client, const Options& options, const Console& console) {
  if (!options.device.empty()) {
    return resume_one_device(client, options, console);
  }
  return change_state(client, options, console, "running", [&] { return client.resume(); });
}

int reload_policy(Client& client, const Options& options, const Console& console) {
  const auto problems = client.reload_policy();
  if (!problems) {
    return tell(console, problems.error());
  }
  if (options.json) {
    print_json(console.out, {{"problems", *problems}});
  } else {
    for (const std::string& problem : *problems) {
      console.out << safe_line(problem) << '\n';
    }
  }
  if (!problems->empty()) {
    return tell(console, {kExitFailed, "the policy in force was kept"});
  }
  return cli::kExitDone;
}

}  // namespace pmend::ctl
