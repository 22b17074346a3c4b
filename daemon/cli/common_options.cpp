// SPDX-License-Identifier: Apache-2.0
#include "cli/common_options.hpp"

#include <CLI/CLI.hpp>

namespace pmend::cli {
namespace {

Bus parse_bus(const std::string& text) {
  if (text == "system") {
    return {.kind = Bus::Kind::kSystem, .address = {}};
  }
  if (text == "session") {
    return {.kind = Bus::Kind::kSession, .address = {}};
  }
  // TRANSPORT:KEY=VALUE, as in the D-Bus specification, "Server Addresses"; the bus library checks the rest.
  const auto colon = text.find(':');
  if (colon == 0 || colon == std::string::npos || text.find('=', colon) == std::string::npos) {
    throw CLI::ValidationError("--bus", "'" + text + "' is neither system, session nor a D-Bus address");
  }
  return {.kind = Bus::Kind::kAddress, .address = text};
}

LogTarget parse_log_target(const std::string& text) {
  if (text == "journal") {
    return LogTarget::kJournal;
  }
  if (text == "stderr") {
    return LogTarget::kStderr;
  }
  throw CLI::ValidationError("--log", "'" + text + "' is neither journal nor stderr");
}

}  // namespace

void add_bus_option(CLI::App& app, Bus& bus) {
  app.add_option_function<std::string>(
         "--bus", [&bus](const std::string& text) { bus = parse_bus(text); }, "The message bus to use")
      ->type_name("system|session|ADDRESS")
      ->default_str("system");
}

void add_log_option(CLI::App& app, LogTarget& target) {
  app.add_option_function<std::string>(
         "--log", [&target](const std::string& text) { target = parse_log_target(text); }, "Where messages go")
      ->type_name("journal|stderr")
      ->default_str(target == LogTarget::kJournal ? "journal" : "stderr");
}

CLI::Option* add_text_option(CLI::App& app, const std::string& name, std::string& value, const std::string& kind,
                             const std::string& help) {
  const auto not_empty = [](const std::string& text) { return text.empty() ? "is empty" : std::string(); };
  return app.add_option(name, value, help)
      ->type_name(kind)
      ->capture_default_str()
      ->check(CLI::Validator(not_empty, ""));
}

}  // namespace pmend::cli
