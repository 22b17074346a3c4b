// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

// Options that more than one program has, checked the same way in each. The targets outlive the parser's run.
namespace pmend::cli {

// --bus system|session|ADDRESS
struct Bus {
  enum class Kind { kSystem, kSession, kAddress };
  Kind kind = Kind::kSystem;
  std::string address;  // of kAddress: a D-Bus server address, "unix:path=/run/x"

  friend bool operator==(const Bus&, const Bus&) = default;
};

// --log journal|stderr
enum class LogTarget { kJournal, kStderr };

void add_bus_option(CLI::App& app, Bus& bus);
void add_log_option(CLI::App& app, LogTarget& target);

// An option with one value that may not be empty; `value` holds the default, which the help shows. `kind` is what the
// help calls the value: FILE, DIR.
CLI::Option* add_text_option(CLI::App& app, const std::string& name, std::string& value, const std::string& kind,
                             const std::string& help);

}  // namespace pmend::cli
