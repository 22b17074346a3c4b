// SPDX-License-Identifier: Apache-2.0
#include "ctl/incident_text.hpp"
#include "ctl/understand.hpp"
#include "ctl/verbs.hpp"
#include "pmend/base/clock.hpp"
#include "pmend/model/json_fields.hpp"

#include <ostream>
#include <string>

namespace pmend::ctl {
namespace {

// Each line is out at once: people and programs read it as it happens. False when nobody reads any more.
bool end_line(const Console& console) {
  console.out.flush();
  return console.out.good();
}

class WatchPrinter {
 public:
  WatchPrinter(Client& client, const Options& options, const Console& console)
      : client_(client), options_(options), console_(console) {}

  bool print_change(IncidentId id, const std::string& old_state, const std::string& new_state) {
    const auto answer = client_.incident(id);
    if (!answer) {
      tell(console_, answer.error());
      return true;  // pmend may have stopped between the signal and the question
    }
    if (options_.json) {
      print_json(console_.out, {{"event", "incident"},
                                {"time", to_rfc3339(SystemClock().wall())},
                                {"old_state", old_state},
                                {"new_state", new_state},
                                {"incident", *answer}});
      return end_line(console_);
    }
    const auto incident = understand<Incident>(*answer);
    if (!incident) {
      tell(console_, incident.error());
      return true;
    }
    console_.out << to_rfc3339(SystemClock().wall()) << ' ' << transition_text(*incident, old_state, new_state) << '\n';
    return end_line(console_);
  }

  bool print_presence(bool present) {
    if (options_.json) {
      print_json(console_.out,
                 {{"event", present ? "started" : "stopped"}, {"time", to_rfc3339(SystemClock().wall())}});
    } else {
      console_.out << to_rfc3339(SystemClock().wall()) << (present ? " pmend started" : " pmend stopped") << '\n';
    }
    return end_line(console_);
  }

 private:
  Client& client_;
  const Options& options_;
  const Console& console_;
};

}  // namespace

int watch(Client& client, const Options& options, const Console& console) {
  if (const auto there = client.status(); !there) {
    return tell(console, there.error());
  }
  WatchPrinter printer(client, options, console);
  const auto ended = client.watch(
      {.ready = [&] { console.err << "Watching; interrupt to end." << std::endl; },
       .changed = [&](IncidentId id, const std::string& old_state,
                      const std::string& new_state) { return printer.print_change(id, old_state, new_state); },
       .presence = [&](bool present) { return printer.print_presence(present); }});
  return ended ? cli::kExitDone : tell(console, ended.error());
}

}  // namespace pmend::ctl
