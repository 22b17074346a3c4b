// SPDX-License-Identifier: Apache-2.0
#include "ctl/run.hpp"

#include "ctl/policy_check.hpp"
#include "ctl/verbs.hpp"
#include "pmend/base/text.hpp"
#include "pmend/model/incident.hpp"

#include <array>
#include <optional>
#include <string>

namespace pmend::ctl {
namespace {

struct VerbEntry {
  Verb verb;
  int (*run)(Client& client, const Options& options, const Console& console);
};
constexpr std::array kBusVerbs = {
    VerbEntry{Verb::kStatus, show_status},  VerbEntry{Verb::kDevices, list_devices},
    VerbEntry{Verb::kList, list_incidents}, VerbEntry{Verb::kShow, show_incident},
    VerbEntry{Verb::kReport, show_report},  VerbEntry{Verb::kLocate, locate},
    VerbEntry{Verb::kExplain, explain},     VerbEntry{Verb::kApprove, approve},
    VerbEntry{Verb::kDismiss, dismiss},     VerbEntry{Verb::kRetry, retry},
    VerbEntry{Verb::kPause, pause},         VerbEntry{Verb::kResume, resume},
    VerbEntry{Verb::kScrub, scrub},         VerbEntry{Verb::kPolicyReload, reload_policy},
    VerbEntry{Verb::kWatch, watch},         VerbEntry{Verb::kEvacuateList, evacuate_list},
};

// What is wrong with the command line beyond its form.
std::optional<std::string> misuse(const Options& options, const Console& console) {
  if (!options.host.empty() && options.bus.kind != cli::Bus::Kind::kSystem) {
    return "--host: goes to the system bus there, so it does not go with --bus";
  }
  if (options.verb == Verb::kList && !options.state.empty() && !from_string<IncidentState>(options.state)) {
    return "--state: '" + options.state + "' is not a state of an incident";
  }
  if (options.verb == Verb::kApprove && options.plan_hash.empty() && !console.interactive) {
    return "approve: without a terminal to ask on, --plan HASH is required";
  }
  if (options.verb == Verb::kApprove && !options.plan_hash.empty() && !is_sha256_hex(options.plan_hash)) {
    return "--plan: '" + options.plan_hash + "' is not the hash of a plan, which has 64 lower-case hex digits";
  }
  return std::nullopt;
}

int run_with_pmend(const VerbEntry& entry, const Options& options, const Console& console) {
  if (const auto wrong = misuse(options, console)) {
    return tell(console, {cli::kExitUsage, *wrong});
  }
  auto client = Client::connect(options);
  return client ? entry.run(*client, options, console) : tell(console, client.error());
}

}  // namespace

int run(const Options& options, const Console& console) {
  if (options.verb == Verb::kPolicyCheck) {
    return check_policy(options, console);
  }
  if (options.verb == Verb::kLocate && options.offline) {
    return locate_offline(options, console);
  }
  for (const VerbEntry& entry : kBusVerbs) {
    if (entry.verb == options.verb) {
      return run_with_pmend(entry, options, console);
    }
  }
  return tell(console, {cli::kExitUnavailable, "this version of pmend cannot do that yet"});
}

}  // namespace pmend::ctl
