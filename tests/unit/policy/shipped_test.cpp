// SPDX-License-Identifier: Apache-2.0
#include "builders.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/config.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

// What lies in config/ and in the manual, against the code that reads it.
namespace pmend {
namespace {

using Names = std::set<std::string>;

std::string path_of(const std::string& file) {
  return std::string(PMEND_SOURCE_DIR) + "/" + file;
}

Json schema(const std::string& file) {
  const auto text = read_text_file(path_of("config/schema/" + file));
  EXPECT_TRUE(text.has_value()) << file;
  const auto json = parse_json_text(text.value_or("{}"));
  EXPECT_TRUE(json.has_value()) << json.error().to_string();
  return json->value;
}

Policy shipped_policy() {
  const auto policy = load_policy({{path_of("config/policy.d"), true}});
  EXPECT_TRUE(policy.has_value()) << to_string(policy.error());
  return policy.value_or(Policy());
}

TEST(ShippedConfig, Loads) {
  const auto config = load_config(path_of("config/pmend.json"), IfMissing::kProblem);
  ASSERT_TRUE(config.has_value()) << to_string(config.error());
  EXPECT_EQ(*config, Config());
}

TEST(ShippedPolicy, RepairsFileDataThatLosesNothingInPlaceWithoutFreezing) {
  const Policy policy = shipped_policy();
  PolicyFacts facts = facts_about({file_named({"/srv/a", "/srv/b"})});
  const PolicyDecision outcome = policy.decide(facts);
  EXPECT_EQ(outcome.decision.action, Action::kRepair);
  EXPECT_EQ(outcome.decision.rule, "nothing-lost");
  EXPECT_THAT(outcome.methods, testing::ElementsAre(Method::kRedirty, Method::kRecoveryWrite, Method::kRewrite));
  facts.phantom.reset();  // on a device without address range scrub nobody knows
  facts.owners[0].all_names = false;
  EXPECT_EQ(policy.decide(facts).decision.action, Action::kRepair);
}

TEST(ShippedPolicy, HoldsTheRest) {
  const Policy policy = shipped_policy();
  std::vector<PolicyFacts> rest;
  rest.push_back(facts_about({file_named({"/srv/a"})}));
  rest.back().bytes_lost = 1;
  rest.push_back(facts_about({file_named({"/srv/a"})}));
  rest.back().bytes_lost.reset();
  rest.push_back(facts_about({file_named({"/srv/a"})}));
  rest.back().recurrence = true;
  rest.push_back(facts_about({file_named({"/srv/a"})}));
  rest.back().phantom = true;
  rest.push_back(facts_about({file_named({"/srv/a"}), owner_of_kind(OwnerKind::kUnknown)}));
  rest.push_back(facts_about({}));
  for (const OwnerKind kind : {OwnerKind::kMetadata, OwnerKind::kFree, OwnerKind::kRaw, OwnerKind::kUnknown}) {
    rest.push_back(facts_about({owner_of_kind(kind)}));
  }
  for (const PolicyFacts& facts : rest) {
    EXPECT_EQ(policy.decide(facts).decision.action, Action::kHold);
  }
}

TEST(ShippedPolicy, LeavesLimitsToFilesBeforeIt) {
  const auto mine = parse_policy({{"10-mine.json", R"({"limits": {"repairs_per_hour": 7}})"},
                                  **read_source(path_of("config/policy.d/50-default.json"))});
  ASSERT_TRUE(mine.has_value());
  EXPECT_EQ(mine->limits().repairs_per_hour, 7U);
}

TEST(Examples, Load) {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_of("config/examples"))) {
    const auto source = read_source(entry.path());
    ASSERT_TRUE(source.has_value() && source->has_value()) << entry.path();
    if (entry.path().filename() == "pmend.json") {
      const auto config = parse_config(**source);
      EXPECT_TRUE(config.has_value()) << to_string(config.error());
    } else {
      const auto policy = parse_policy({**source});
      EXPECT_TRUE(policy.has_value()) << to_string(policy.error());
    }
    ++seen;
  }
  EXPECT_EQ(seen, 5U);
}

TEST(Examples, OfPoliciesCanBeUsedTogetherWithTheDefault) {
  std::vector<SourceText> sources;
  for (const char* file :
       {"examples/10-database.json", "examples/20-cautious.json", "examples/30-persistent-memory.json",
        "examples/40-watch-only.json", "policy.d/50-default.json"}) {
    sources.push_back(**read_source(path_of(std::string("config/") + file)));
  }
  const auto policy = parse_policy(sources);
  EXPECT_TRUE(policy.has_value()) << to_string(policy.error());
}

// The names in quotes after the last "expected" of a message.
Names names_expected(const std::string& message) {
  Names names;
  std::size_t at = message.rfind("expected ");
  while (at != std::string::npos && (at = message.find('"', at)) != std::string::npos) {
    const std::size_t end = message.find('"', at + 1);
    names.insert(message.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return names;
}

// What a reader knows, by asking it for what it does not.
constexpr const char* kNonsense = "\"!!!!!!!!!!!!!!!!!!!!!!!!\"";

Names names_in_policy(const std::string& before, const std::string& after) {
  return names_expected(problems_of(before + kNonsense + after));
}
Names keys_in_policy(const std::string& before, const std::string& after) {
  return names_in_policy(before, ": 0" + after);
}

Names properties(const Json& schema, const std::string& definition) {
  Names names;
  for (const auto& [name, value] : schema.at(Json::json_pointer(definition + "/properties")).items()) {
    names.insert(name);
  }
  return names;
}
Names alternatives(const Json& schema, const std::string& definition) {
  return schema.at(Json::json_pointer(definition + "/enum")).get<Names>();
}

// A rule with this `when` or `then`.
const std::string kInWhen = R"({"rules": [{"name": "a", "then": {"action": "hold"}, "when": )";
const std::string kInThen = R"({"rules": [{"name": "a", "then": )";
const std::string kEnd = "}]}";

TEST(PolicySchema, HasTheKeysOfTheReader) {
  const Json json = schema("policy.schema.json");
  EXPECT_EQ(properties(json, ""), keys_in_policy("{", "}"));
  EXPECT_EQ(properties(json, "/$defs/limits"), keys_in_policy(R"({"limits": {)", "}}"));
  EXPECT_EQ(properties(json, "/$defs/rule"),
            keys_in_policy(R"({"rules": [{"name": "a", "then": {"action": "hold"}, )", "}]}"));
  EXPECT_EQ(properties(json, "/$defs/then"), keys_in_policy(kInThen + R"({"action": "hold", )", "}" + kEnd));
  EXPECT_EQ(properties(json, "/$defs/when"), keys_in_policy(kInWhen + "{", "}" + kEnd));
  EXPECT_EQ(properties(json, "/$defs/filesystem"), keys_in_policy(kInWhen + R"({"filesystem": {)", "}}" + kEnd));
  EXPECT_EQ(properties(json, "/$defs/number_range"), keys_in_policy(kInWhen + R"({"bytes_bad": {)", "}}" + kEnd));
  EXPECT_EQ(properties(json, "/$defs/id_range"), keys_in_policy(kInWhen + R"({"uid": {)", "}}" + kEnd));
  EXPECT_EQ(properties(json, "/$defs/time"), keys_in_policy(kInWhen + R"({"time": {)", "}}" + kEnd));
}

TEST(PolicySchema, HasTheWordsOfTheReader) {
  const Json json = schema("policy.schema.json");
  EXPECT_EQ(alternatives(json, "/$defs/then/properties/action"),
            names_in_policy(kInThen + R"({"action": )", "}" + kEnd));
  EXPECT_EQ(alternatives(json, "/$defs/method"),
            names_in_policy(kInThen + R"({"action": "hold", "methods": [)", "]}" + kEnd));
  EXPECT_EQ(alternatives(json, "/$defs/owner_kind"), names_in_policy(kInWhen + R"({"owner": )", "}" + kEnd));
  EXPECT_EQ(alternatives(json, "/$defs/weekday"), names_in_policy(kInWhen + R"({"time": {"days": )", "}}" + kEnd));
}

TEST(PolicySchema, HasTheDefaultsAndBoundsOfTheReader) {
  const Json json = schema("policy.schema.json");
  const auto number = [&](const std::string& pointer) {
    return json.at(Json::json_pointer(pointer)).get<std::int64_t>();
  };
  EXPECT_EQ(number("/$defs/limits/properties/repairs_per_hour/default"), 64);
  EXPECT_EQ(number("/$defs/limits/properties/lost_bytes_per_day/default"), 1048576);
  EXPECT_EQ(number("/$defs/limits/properties/open_incidents_per_device/default"), 256);
  EXPECT_EQ(number("/$defs/limits/properties/storm_incidents_per_hour/default"), 32);
  EXPECT_EQ(number("/$defs/then/properties/priority/maximum"), kMostPriority);
  EXPECT_EQ(number("/$defs/then/properties/priority/minimum"), -kMostPriority);
  EXPECT_EQ(json.at(Json::json_pointer("/$defs/then/properties/methods/default")),
            to_json(policy_when("{}", Action::kHold)).at(Json::json_pointer("/rules/0/then/methods")));
}

TEST(ConfigSchema, HasTheKeysAndBoundsOfTheReader) {
  const auto keys = [](const std::string& before, const std::string& after) {
    const auto config = parse_config({"f", before + kNonsense + ": 0" + after});
    return config ? Names() : names_expected(config.error().front().to_string());
  };
  const Json json = schema("pmend.schema.json");
  EXPECT_EQ(properties(json, ""), keys("{", "}"));
  EXPECT_EQ(properties(json, "/$defs/device"), keys(R"({"devices": [{"device": "/d", "badblocks": "/b", )", "}]}"));
  const Json interval = json.at(Json::json_pointer("/$defs/device/properties/interval"));
  EXPECT_EQ(interval.at("maximum"), kMostInterval);
  EXPECT_EQ(interval.at("default"), protocol::ListedDevice().interval_s);
}

TEST(Manual, NamesEveryKeyAndWord) {
  const auto text = read_text_file(path_of("docs/man/pmend-policy.5"));
  ASSERT_TRUE(text.has_value());
  const Json json = schema("policy.schema.json");
  for (const std::string definition : {"", "/$defs/limits", "/$defs/rule", "/$defs/then", "/$defs/when",
                                       "/$defs/filesystem", "/$defs/number_range", "/$defs/time"}) {
    for (const std::string& key : properties(json, definition)) {
      EXPECT_THAT(*text, testing::ContainsRegex("\\.(It )?Cm ([a-z_-]+ ,? ?)*" + key)) << definition;
    }
  }
  for (const std::string definition : {"/$defs/then/properties/action", "/$defs/method", "/$defs/owner_kind"}) {
    for (const std::string& word : alternatives(json, definition)) {
      EXPECT_THAT(*text, testing::ContainsRegex("\\.(It )?Cm ([a-z_-]+ ,? ?)*" + word)) << definition;
    }
  }
}

}  // namespace
}  // namespace pmend
