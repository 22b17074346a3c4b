// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/json_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pmend {
namespace {

std::string error_of(std::string_view text, const JsonTextOptions& options = {}) {
  const auto parsed = parse_json_text(text, options);
  return parsed ? "taken: " + to_json_text(parsed->value) : parsed.error().to_string();
}

TEST(JsonText, KeepsEveryKindOfValue) {
  const std::string text =
      R"({"a":[1,-2,18446744073709551615,-9223372036854775808,1.5,true,false,null,"ä\n\u20ac"],"b":{"":{}}})";
  const auto parsed = parse_json_text(text);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().to_string();
  EXPECT_EQ(parsed->value, Json::parse(text));
  EXPECT_TRUE(parsed->places.empty());
}

TEST(JsonText, WritesEqualValuesEqually) {
  EXPECT_EQ(to_json_text(parse_json_text(R"({ "b": 1, "a": [ ] })")->value), R"({"a":[],"b":1})");
  EXPECT_EQ(to_json_text(parse_json_text(R"({"a":[],"b":1})")->value), R"({"a":[],"b":1})");
}

TEST(JsonText, WritingNeverFails) {
  EXPECT_EQ(to_json_text(Json("a\xFF")), "\"a\xEF\xBF\xBD\"");
}

TEST(JsonText, TellsTheLineAndColumnOfWhatIsWrong) {
  const struct {
    const char* text;
    const char* start;
  } rows[] = {
      {"", "1:1: "},
      {"{\n  \"a\": tru\n}", "2:11: /a: "},
      {"{\n  \"a\": 1,\n}", "3:1: "},
      {"[1, 2", "1:6: /2: "},
      {"[1] x", "1:5: "},
      {"{\"ä\": 'x'}", "1:7: /ä: "},
      {"{\"a\": {\"b\": [0, 01]}}", "1:18: "},
      {"[\"\xFF\"]", "1:3: /0: "},
      {"[\"a\tb\"]", "1:4: /0: "},
      {"[\"\\ud800\"]", "1:9: /0: "},
      {"[1e999]", "1:"},
      {"// no\n[]", "1:1: "},
  };
  for (const auto& row : rows) {
    EXPECT_TRUE(error_of(row.text).starts_with(row.start)) << row.text << "\n  gives " << error_of(row.text);
  }
}

TEST(JsonText, RefusesAKeyTwiceAtItsSecondPlace) {
  EXPECT_EQ(error_of("{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2}}"), "2:16: /b: key \"c\" is there twice");
  EXPECT_EQ(error_of(R"({"a": 1, "\u0061": 2})"), "1:10: key \"a\" is there twice");
}

TEST(JsonText, CollectsKeysThatAreThereTwiceWhereAskedTo) {
  JsonTextOptions options;
  options.places = true;
  options.collect_duplicates = true;
  const auto parsed = parse_json_text("{\"a\": [1], \"a\": 2,\n \"b\": {\"c\": 1, \"c\": 2}}", options);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().to_string();
  ASSERT_EQ(parsed->duplicates.size(), 2U);
  EXPECT_EQ(parsed->duplicates[0].to_string(), "1:12: key \"a\" is there twice");
  EXPECT_EQ(parsed->duplicates[1].to_string(), "2:16: /b: key \"c\" is there twice");
  EXPECT_EQ(to_json_text(parsed->value), R"({"a":2,"b":{"c":2}})");
  EXPECT_EQ(place_of(parsed->places, "/a"), (JsonPlace{1, 17}));
}

TEST(JsonText, RefusesWhatTheParserWouldReadPast) {
  EXPECT_EQ(error_of(std::string_view("[]\0x", 4)), "1:3: holds a NUL byte");
  EXPECT_EQ(error_of("\xEF\xBB\xBF[]"), "1:1: starts with a byte order mark");
}

TEST(JsonText, BoundsDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json_text(nested(64)).has_value());
  EXPECT_TRUE(error_of(nested(65)).starts_with("1:65: /0/0")) << error_of(nested(65));
  EXPECT_TRUE(error_of(nested(65)).ends_with(": nested too deep, expected at most 64 levels"));
  EXPECT_FALSE(parse_json_text(std::string(1U << 20U, '[')).has_value());
  EXPECT_EQ(error_of("{\"a\":{}}", {.depth_limit = 1}), "1:6: /a: nested too deep, expected at most 1 levels");
}

TEST(JsonText, BoundsSize) {
  EXPECT_TRUE(parse_json_text("[12]", {.size_limit = 4}).has_value());
  EXPECT_EQ(error_of("[123]", {.size_limit = 4}), "1:1: too long, expected at most 4 bytes");
}

TEST(JsonText, TakesCommentsOnlyWhereAllowed) {
  const char* text = "// one\n[1, /* two\n */ 2] // three";
  EXPECT_FALSE(parse_json_text(text).has_value());
  EXPECT_EQ(parse_json_text(text, {.comments = true})->value, Json::parse("[1,2]"));
  EXPECT_FALSE(parse_json_text("[1, 2] /* open", {.comments = true}).has_value());
}

TEST(JsonPlaces, TellWhereEachValueBegins) {
  const char* text =
      "// \"not\" {this}\n"
      "{ \"rules\": [\n"
      "    { \"näme\": \"a\\\"b\", \"n\": -12 },/* { */ null ],\n"
      "  \"x/y~z\": {\"deep\"  :  true} }";
  const auto parsed = parse_json_text(text, {.comments = true, .places = true});
  ASSERT_TRUE(parsed.has_value()) << parsed.error().to_string();
  const JsonPlaces expected = {{"", {2, 1}},
                               {"/rules", {2, 12}},
                               {"/rules/0", {3, 5}},
                               {"/rules/0/näme", {3, 15}},
                               {"/rules/0/n", {3, 28}},
                               {"/rules/1", {3, 42}},
                               {"/x~1y~0z", {4, 12}},
                               {"/x~1y~0z/deep", {4, 24}}};
  EXPECT_EQ(parsed->places, expected);
}

TEST(JsonPlaces, FallBackToTheValueAround) {
  const JsonPlaces places = {{"", {1, 1}}, {"/a", {2, 3}}};
  EXPECT_EQ(place_of(places, "/a"), (JsonPlace{2, 3}));
  EXPECT_EQ(place_of(places, "/a/missing/key"), (JsonPlace{2, 3}));
  EXPECT_EQ(place_of(places, "/b"), (JsonPlace{1, 1}));
  EXPECT_EQ(place_of({}, "/b"), (JsonPlace{1, 1}));
}

TEST(JsonPointer, EscapesSlashAndTilde) {
  EXPECT_EQ(pointer_to("/a", "x/y~z"), "/a/x~1y~0z");
}

}  // namespace
}  // namespace pmend
