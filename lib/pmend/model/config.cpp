// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/config.hpp"

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace pmend {
namespace {

std::string read_absolute_path(const JsonReader& in) {
  const auto path = read_string(in);
  if (path && !path->starts_with('/')) {
    in.expected("an absolute path");
  }
  return path.value_or("");
}

protocol::ListedDevice read_device(const JsonReader& in, std::set<std::string>& seen) {
  protocol::ListedDevice device;
  JsonObjectReader object(in);
  if (const auto node = object.required("device")) {
    device.device = read_absolute_path(*node);
    if (!device.device.empty() && !seen.insert(device.device).second) {
      node->expected("each device once");
    }
  }
  if (const auto list = object.optional("badblocks")) {
    device.badblocks = FilePath{read_absolute_path(*list)};
  }
  if (const auto interval = object.optional("interval")) {
    device.interval_s = interval->u64(1, kMostInterval);
    if (!device.badblocks) {
      interval->problem("goes with \"badblocks\": only a list file is read again and again");
    }
  }
  object.finish();
  return device;
}

Config read_config(const JsonReader& in) {
  Config config;
  JsonObjectReader object(in);
  if (const auto devices = object.optional("devices")) {
    std::set<std::string> seen;
    for (const JsonReader& element : devices->array()) {
      config.devices.push_back(read_device(element, seen));
    }
  }
  if (const auto automatic = object.optional("auto")) {
    config.auto_watch = automatic->boolean();
  }
  if (const auto hours = object.optional("ars_interval_hours")) {
    config.ars_interval_hours = hours->u64(0, kMostArsIntervalHours);
  }
  if (const auto mib = object.optional("index_mib")) {
    config.index_mib = mib->u64(0, kMostIndexMib);
  }
  if (const auto hints = object.optional("index_hints")) {
    config.index_hints = hints->boolean();
  }
  if (const auto health = object.optional("xfs_health")) {
    config.xfs_health = health->boolean();
  }
  object.finish();
  return config;
}

}  // namespace

tl::expected<Config, ConfigProblems> parse_config(const SourceText& source) {
  Config config;
  ConfigProblems problems;
  read_document(source, problems, [&](const JsonReader& whole, const JsonPlaces&) { config = read_config(whole); });
  if (!problems.empty()) {
    return tl::make_unexpected(std::move(problems));
  }
  return config;
}

tl::expected<Config, ConfigProblems> load_config(const std::string& path, IfMissing if_missing) {
  std::error_code error;
  if (if_missing == IfMissing::kDefaults &&
      std::filesystem::symlink_status(path, error).type() == std::filesystem::file_type::not_found) {
    return Config();
  }
  auto source = read_source(path);
  if (!source) {
    return tl::make_unexpected(ConfigProblems{std::move(source.error())});
  }
  return source->has_value() ? parse_config(**source) : Config();
}

}  // namespace pmend
