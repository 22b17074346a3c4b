// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/load.hpp"

#include "pmend/policy/policy_file_names.hpp"
#include "pmend/policy/rule_reader.hpp"

#include <map>
#include <optional>
#include <utility>

namespace pmend {
namespace {

// Gathers what the files say, in their order.
class PolicyBuilder {
 public:
  void add_problem(ConfigProblem problem) { problems_.push_back(std::move(problem)); }

  void add(const SourceText& source) {
    read_document(source, problems_, [&](const JsonReader& whole, const JsonPlaces& places) {
      JsonObjectReader object(whole);
      if (const auto rules = object.optional("rules")) {
        for (const JsonReader& element : rules->array(kMostRules)) {
          add_rule(element, source.file, place_of(places, element.pointer()));
        }
      }
      if (const auto limits = object.optional("limits")) {
        set_limits(read_limits(*limits));
      }
      object.finish();
    });
  }

  tl::expected<Policy, ConfigProblems> finish() {
    if (rules_.size() > kMostRules) {
      problems_.push_back({"policy",
                           std::nullopt,
                           {},
                           "got " + std::to_string(rules_.size()) + " rules in all files, expected at most " +
                               std::to_string(kMostRules)});
    }
    if (!problems_.empty()) {
      return tl::make_unexpected(std::move(problems_));
    }
    return Policy::compile(std::move(rules_), limits_);
  }

 private:
  void add_rule(const JsonReader& element, const std::string& file, const JsonPlace& place) {
    Rule rule = read_rule(element);
    rule.file = file;
    rule.place = place;
    const auto [first, added] = places_of_names_.emplace(rule.name, rule.where());
    if (!added && is_policy_name(rule.name)) {
      element.problem("got \"name\" \"" + rule.name + "\", which " + first->second +
                      " has already, expected each name once");
    }
    rules_.push_back(std::move(rule));
  }

  void set_limits(const WrittenLimits& written) {
    limits_.repairs_per_hour = written.repairs_per_hour.value_or(limits_.repairs_per_hour);
    limits_.lost_bytes_per_day = written.lost_bytes_per_day.value_or(limits_.lost_bytes_per_day);
    limits_.open_incidents_per_device = written.open_incidents_per_device.value_or(limits_.open_incidents_per_device);
    limits_.storm_incidents_per_hour = written.storm_incidents_per_hour.value_or(limits_.storm_incidents_per_hour);
  }

  std::vector<Rule> rules_;
  PolicyLimits limits_;
  ConfigProblems problems_;
  std::map<std::string, std::string> places_of_names_;
};

}  // namespace

std::vector<PolicyDirectory> default_policy_directories() {
  return {{"/usr/lib/pmend/policy.d"}, {"/run/pmend/policy.d"}, {"/etc/pmend/policy.d"}};
}

tl::expected<Policy, ConfigProblems> load_policy(const std::vector<PolicyDirectory>& directories) {
  PolicyBuilder builder;
  ConfigProblems problems;
  for (const std::string& path : policy_files(directories, problems)) {
    auto source = read_source(path);
    if (!source) {
      problems.push_back(std::move(source.error()));
    } else if (source->has_value()) {
      builder.add(**source);
    }
  }
  for (ConfigProblem& problem : problems) {
    builder.add_problem(std::move(problem));
  }
  return builder.finish();
}

tl::expected<Policy, ConfigProblems> parse_policy(const std::vector<SourceText>& sources) {
  PolicyBuilder builder;
  for (const SourceText& source : sources) {
    builder.add(source);
  }
  return builder.finish();
}

}  // namespace pmend
