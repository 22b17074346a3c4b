// SPDX-License-Identifier: Apache-2.0
#include "ctl/options.hpp"

#include "pmend/base/text.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <map>
#include <string_view>
#include <utility>

namespace pmend::ctl {
namespace {

constexpr std::string_view kProgram = "pmendctl";
constexpr int kNoLimit = -1;

// A verb, and how many words of which kind follow it.
struct VerbRow {
  Verb verb;
  const char* name;
  const char* words;
  int min;
  int max;
  const char* help;
};

constexpr std::array kVerbs = {
    VerbRow{Verb::kStatus, "status", "", 0, 0, "What pmend is doing (the default)"},
    VerbRow{Verb::kDevices, "devices", "", 0, 0, "The devices that are watched"},
    VerbRow{Verb::kList, "list", "", 0, 0, "The open incidents"},
    VerbRow{Verb::kShow, "show", "ID", 1, 1, "One incident: owners, plan, decision"},
    VerbRow{Verb::kReport, "report", "ID", 1, 1, "What was lost, salvaged and restored, and the proof"},
    VerbRow{Verb::kLocate, "locate", "DEVICE OFFSET LENGTH | PATH", 1, 3, "Who owns these bytes, or where a file lies"},
    VerbRow{Verb::kExplain, "explain", "ID | DEVICE OFFSET LENGTH | PATH", 1, 3, "Which rule decides, and why"},
    VerbRow{Verb::kApprove, "approve", "ID", 1, kNoLimit, "Allow the plan of a held incident"},
    VerbRow{Verb::kDismiss, "dismiss", "ID", 1, kNoLimit, "Leave an incident alone until its error disappears"},
    VerbRow{Verb::kRetry, "retry", "ID", 1, kNoLimit, "Observe, plan and decide again"},
    VerbRow{Verb::kPause, "pause", "", 0, 0, "Start no repair until resume"},
    VerbRow{Verb::kResume, "resume", "DEVICE", 0, 1, "Start repairs again; with DEVICE: there, after errors spread"},
    VerbRow{Verb::kScrub, "scrub", "DEVICE", 1, 1, "Read a device through for media errors"},
    VerbRow{Verb::kEvacuateList, "evacuate-list", "DEVICE", 1, 1, "The files to bring away from a device"},
    VerbRow{Verb::kWatch, "watch", "", 0, 0, "Print changes as they happen"},
    VerbRow{Verb::kMetrics, "metrics", "", 0, 0, "Counters for monitoring"},
    VerbRow{Verb::kDrill, "drill", "", 0, 0, "Rehearse a repair on a scratch medium"},
};

constexpr std::array kPolicyVerbs = {
    VerbRow{Verb::kPolicyCheck, "check", "PATH", 0, kNoLimit, "Check policy files; default: the installed ones"},
    VerbRow{Verb::kPolicyTest, "test", "CASES", 1, 1, "Decide the cases in a file and compare"},
    VerbRow{Verb::kPolicyShow, "show", "", 0, 0, "The rules in force"},
    VerbRow{Verb::kPolicyReload, "reload", "", 0, 0, "Load the policy again"},
};

const std::map<std::string, ReportFormat> kFormats = {
    {"text", ReportFormat::kText},
    {"json", ReportFormat::kJson},
    {"ddrescue", ReportFormat::kDdrescue},
    {"ranges", ReportFormat::kRanges},
};

// What the parser stores besides the options themselves: words whose meaning depends on the verb.
struct Raw {
  Options options;
  std::vector<std::string> words;
  std::string format;
};

CLI::App* add_verb(CLI::App& app, const VerbRow& row, Raw& raw) {
  auto* verb = app.add_subcommand(row.name, row.help);
  verb->callback([&raw, value = row.verb] { raw.options.verb = value; });
  if (row.max != 0) {
    auto* words = verb->add_option(row.words, raw.words)->type_name("")->expected(row.min, row.max);
    words->required(row.min > 0);
  }
  return verb;
}

void add_verbs(CLI::App& app, Raw& raw) {
  for (const VerbRow& row : kVerbs) {
    add_verb(app, row, raw);
  }
  auto* policy = app.add_subcommand("policy", "Check, test, show or reload the policy");
  for (const VerbRow& row : kPolicyVerbs) {
    add_verb(*policy, row, raw);
  }
  policy->require_subcommand(1);
  app.require_subcommand(0, 1);

  auto* list = app.get_subcommand("list");
  cli::add_text_option(*list, "--state", raw.options.state, "STATE", "Only incidents in this state");
  list->add_flag("--all", raw.options.all, "Closed incidents too");
  auto* locate = app.get_subcommand("locate");
  locate->get_option("DEVICE OFFSET LENGTH | PATH")->required(false);  // --stdin may be enough
  locate->add_flag("--stdin", raw.options.from_stdin,
                   "Many questions, one in each line; DEVICE: where lines name none");
  locate->add_option("--block-size", raw.options.block_size, "Of the block numbers of badblocks(8)")
      ->type_name("BYTES")
      ->check(CLI::Range(std::uint64_t{512}, std::uint64_t{1} << 30U));
  auto* offline = locate->add_flag("--offline", raw.options.offline, "Without pmend: look here, as root");
  cli::add_text_option(*locate, "--worker", raw.options.worker, "PATH|unix:SOCKET", "The worker that --offline asks")
      ->needs(offline);
  app.get_subcommand("scrub")->add_flag("--cancel", raw.options.cancel, "End the one that is under way");
  auto* evacuate = app.get_subcommand("evacuate-list");
  evacuate->add_flag("--all", raw.options.all, "All files of the file systems on it");
  evacuate->add_flag("-0,--null", raw.options.null, "Exact names, each ended by a NUL byte");
  auto* report = app.get_subcommand("report");
  cli::add_text_option(*report, "--format", raw.format, "json|text|ddrescue|ranges", "The form of the report");
  auto* approve = app.get_subcommand("approve");
  cli::add_text_option(*approve, "--plan", raw.options.plan_hash, "HASH", "The plan that is approved, for one ID");
}

cli::Parsed<IncidentId> parse_id(const std::string& word) {
  const auto number = parse_u64(word);
  if (!number || *number == 0) {
    return cli::usage_error(kProgram, "ID: '" + word + "' is not the number of an incident");
  }
  return IncidentId{*number};
}

cli::Parsed<void> take_ids(Raw& raw) {
  for (const std::string& word : raw.words) {
    const auto id = parse_id(word);
    if (!id) {
      return tl::make_unexpected(id.error());
    }
    raw.options.incidents.push_back(*id);
  }
  if (!raw.options.plan_hash.empty() && raw.options.incidents.size() != 1) {
    return cli::usage_error(kProgram, "--plan: is the hash of one plan, so it goes with one ID");
  }
  return {};
}

cli::Parsed<void> take_device_range(Raw& raw) {
  const auto offset = parse_u64(raw.words[1]);
  const auto length = parse_u64(raw.words[2]);
  if (!offset) {
    return cli::usage_error(kProgram, "OFFSET: " + offset.error().what);
  }
  if (!length || *length == 0) {
    return cli::usage_error(kProgram, "LENGTH: '" + raw.words[2] + "' is not a number of bytes");
  }
  const auto range = make_byte_range(*offset, *length);
  if (!range) {
    return cli::usage_error(kProgram, "OFFSET LENGTH: " + range.error().what);
  }
  raw.options.subject = DeviceRange{.device = raw.words[0], .range = *range};
  return {};
}

cli::Parsed<void> take_stdin(Raw& raw) {
  if (raw.words.size() > 1) {
    return cli::usage_error(kProgram, "--stdin: takes offsets and lengths from there, so only DEVICE may be given");
  }
  raw.options.device = raw.words.empty() ? "" : raw.words.front();
  return {};
}

// One word is a path, and for explain an incident if it is all digits (a file of such a name is ./7).
cli::Parsed<void> take_subject(Raw& raw) {
  const std::string& first = raw.words.front();
  if (raw.words.size() == 3) {
    return take_device_range(raw);
  }
  if (raw.words.size() == 2) {
    return cli::usage_error(kProgram, "LENGTH: is missing after DEVICE OFFSET");
  }
  if (raw.options.verb == Verb::kExplain && first.find_first_not_of("0123456789") == std::string::npos) {
    return parse_id(first).map([&](IncidentId id) { raw.options.subject = id; });
  }
  raw.options.subject = first;
  return {};
}

cli::Parsed<void> take_located(Raw& raw) {
  if (raw.options.offline && !raw.options.host.empty()) {
    return cli::usage_error(kProgram, "--host: contradicts --offline");
  }
  if (raw.options.from_stdin) {
    return take_stdin(raw);
  }
  if (raw.options.block_size != 0) {
    return cli::usage_error(kProgram, "--block-size: is of block numbers, so it goes with --stdin");
  }
  if (raw.words.empty()) {
    return cli::usage_error(kProgram, "locate: DEVICE OFFSET LENGTH, PATH or --stdin is required");
  }
  return take_subject(raw);
}

cli::Parsed<void> take_report(Raw& raw) {
  const std::string name = !raw.format.empty() ? raw.format : raw.options.json ? "json" : "text";
  const auto format = kFormats.find(name);
  if (format == kFormats.end()) {
    return cli::usage_error(kProgram, "--format: '" + name + "' is none of json, text, ddrescue and ranges");
  }
  if (raw.options.json && format->second != ReportFormat::kJson) {
    return cli::usage_error(kProgram, "--format: '" + name + "' contradicts --json");
  }
  raw.options.format = format->second;
  return take_ids(raw);
}

cli::Parsed<void> take_words(Raw& raw) {
  for (const std::string& word : raw.words) {
    if (word.empty()) {
      return cli::usage_error(kProgram, "an argument is empty");
    }
  }
  switch (raw.options.verb) {
    case Verb::kReport:
      return take_report(raw);
    case Verb::kShow:
    case Verb::kApprove:
    case Verb::kDismiss:
    case Verb::kRetry:
      return take_ids(raw);
    case Verb::kLocate:
      return take_located(raw);
    case Verb::kExplain:
      return take_subject(raw);
    case Verb::kResume:
      raw.options.device = raw.words.empty() ? "" : raw.words.front();
      return {};
    case Verb::kEvacuateList:
      if (raw.options.json && raw.options.null) {
        return cli::usage_error(kProgram, "--null: contradicts --json");
      }
      raw.options.device = raw.words.front();
      return {};
    case Verb::kScrub:
      raw.options.device = raw.words.front();
      return {};
    case Verb::kPolicyCheck:
    case Verb::kPolicyTest:
      raw.options.files = raw.words;
      return {};
    case Verb::kStatus:
    case Verb::kDevices:
    case Verb::kList:
    case Verb::kPause:
    case Verb::kWatch:
    case Verb::kPolicyShow:
    case Verb::kPolicyReload:
    case Verb::kMetrics:
    case Verb::kDrill:
      return {};
  }
  return {};
}

}  // namespace

cli::Parsed<Options> parse_options(std::vector<std::string> args) {
  Raw raw;
  CLI::App app("Shows and steers what pmend does about media errors. Offsets and lengths are bytes.");
  cli::prepare(app, kProgram);
  app.add_flag("--json", raw.options.json, "Print JSON");
  cli::add_text_option(app, "--host", raw.options.host, "HOST", "Talk to pmend on another machine, over ssh");
  cli::add_bus_option(app, raw.options.bus);
  add_verbs(app, raw);
  if (auto parsed = cli::parse(app, std::move(args)); !parsed) {
    return tl::make_unexpected(std::move(parsed.error()));
  }
  // The name ends up in the argument list of ssh, where a leading dash would be an option.
  if (raw.options.host.starts_with('-')) {
    return cli::usage_error(kProgram, "--host: '" + raw.options.host + "' is not the name of a machine");
  }
  return take_words(raw).map([&] { return std::move(raw.options); });
}

}  // namespace pmend::ctl
