// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/client.hpp"
#include "ctl/console.hpp"
#include "ctl/options.hpp"

// One function per verb; each returns the exit status. The options are those of its verb.
namespace pmend::ctl {

// read_verbs.cpp
int show_status(Client& client, const Options& options, const Console& console);
int list_devices(Client& client, const Options& options, const Console& console);
int list_incidents(Client& client, const Options& options, const Console& console);
int show_incident(Client& client, const Options& options, const Console& console);
int show_report(Client& client, const Options& options, const Console& console);

// locate_verbs.cpp
int locate(Client& client, const Options& options, const Console& console);
int locate_offline(const Options& options, const Console& console);  // by a worker of its own
int explain(Client& client, const Options& options, const Console& console);

// control_verbs.cpp
int approve(Client& client, const Options& options, const Console& console);
int dismiss(Client& client, const Options& options, const Console& console);
int retry(Client& client, const Options& options, const Console& console);
int pause(Client& client, const Options& options, const Console& console);
int resume(Client& client, const Options& options, const Console& console);
int reload_policy(Client& client, const Options& options, const Console& console);

// scrub_verb.cpp
int scrub(Client& client, const Options& options, const Console& console);

// evacuate_verb.cpp
int evacuate_list(Client& client, const Options& options, const Console& console);

// watch_verb.cpp
int watch(Client& client, const Options& options, const Console& console);

}  // namespace pmend::ctl
