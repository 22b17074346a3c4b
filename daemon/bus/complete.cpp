// SPDX-License-Identifier: Apache-2.0
#include "bus/complete.hpp"

#include <initializer_list>
#include <utility>

namespace pmend::bus {
namespace {

using Json = nlohmann::json;

void put_nulls(Json& value, std::initializer_list<const char*> keys) {
  if (value.is_object()) {
    for (const char* key : keys) {
      value.emplace(key, nullptr);  // only where it is missing
    }
  }
}

}  // namespace

Json complete_incident(Json incident) {
  put_nulls(incident, {"plan", "decision", "job", "outcome"});
  return incident;
}

Json complete_report(Json report) {
  put_nulls(report, {"approval", "proof"});
  if (const auto found = report.find("incident"); found != report.end()) {
    *found = complete_incident(std::move(*found));
  }
  if (const auto found = report.find("proof"); found != report.end()) {
    put_nulls(*found, {"extents_before", "extents_after"});
  }
  return report;
}

}  // namespace pmend::bus
