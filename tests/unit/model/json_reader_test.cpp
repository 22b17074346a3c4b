// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/json_reader.hpp"

#include "pmend/model/json_text.hpp"
#include "pmend/model/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace pmend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The problems that `read` finds in the text, as "pointer: message".
std::vector<std::string> problems_of(std::string_view text, const std::function<void(const JsonReader&)>& read) {
  const Json value = parse_json_text(text).value().value;
  JsonProblems problems;
  read(JsonReader(value, problems));
  std::vector<std::string> lines;
  for (const JsonProblem& problem : problems) {
    lines.push_back(to_string(JsonProblems{problem}));
  }
  return lines;
}

TEST(JsonReader, ReadsWhatFits) {
  EXPECT_THAT(problems_of("true", [](const JsonReader& in) { EXPECT_TRUE(in.boolean()); }), IsEmpty());
  EXPECT_THAT(problems_of("\"a\"", [](const JsonReader& in) { EXPECT_EQ(in.string(), "a"); }), IsEmpty());
  EXPECT_THAT(problems_of("18446744073709551615", [](const JsonReader& in) { EXPECT_EQ(in.u64(), UINT64_MAX); }),
              IsEmpty());
  EXPECT_THAT(problems_of("-9223372036854775808", [](const JsonReader& in) { EXPECT_EQ(in.i64(), INT64_MIN); }),
              IsEmpty());
  EXPECT_THAT(problems_of("7", [](const JsonReader& in) { EXPECT_EQ(in.i64(0, 7), 7); }), IsEmpty());
}

TEST(JsonReader, TakesNumbersThatCodeMadeFromSignedIntegers) {
  JsonProblems problems;
  const Json value = 5;
  EXPECT_EQ(JsonReader(value, problems).u64(), 5U);
  EXPECT_TRUE(problems.empty());
}

TEST(JsonReader, RefusesNumbersThatDoNotFit) {
  const auto up_to_ten = [](const JsonReader& in) { EXPECT_EQ(in.u64(1, 10), 1U); };
  for (const char* text : {"0", "11", "-1", "1.0", "1e1", "4294967297", "18446744073709551616", "-9223372036854775809",
                           "\"3\"", "true", "null", "[]", "{}"}) {
    EXPECT_EQ(problems_of(text, up_to_ten).size(), 1U) << text;
  }
  EXPECT_THAT(problems_of("11", up_to_ten), ElementsAre("got 11, expected a whole number from 1 to 10"));
  EXPECT_THAT(problems_of("\"3\"", up_to_ten), ElementsAre("got \"3\", expected a whole number from 1 to 10"));
  EXPECT_THAT(problems_of("-1", [](const JsonReader& in) { in.u64(); }),
              ElementsAre("got -1, expected a whole number, 0 or more"));
  EXPECT_THAT(problems_of("9223372036854775808", [](const JsonReader& in) { in.i64(); }),
              ElementsAre("got 9223372036854775808, expected a whole number"));
}

TEST(JsonReader, RefusesOtherTypes) {
  EXPECT_THAT(problems_of("1", [](const JsonReader& in) { in.boolean(); }),
              ElementsAre("got 1, expected true or false"));
  EXPECT_THAT(problems_of("null", [](const JsonReader& in) { in.string(); }),
              ElementsAre("got null, expected a string"));
  EXPECT_THAT(problems_of("{}", [](const JsonReader& in) { in.array(); }),
              ElementsAre("got an object, expected an array"));
}

TEST(JsonReader, RefusesStringsWithNul) {
  EXPECT_THAT(problems_of(R"("a\u0000b")", [](const JsonReader& in) { EXPECT_EQ(in.string(), ""); }),
              ElementsAre("got \"a\\x00b\", expected a string without NUL"));
}

TEST(JsonReader, ShowsOnlyTheBeginningOfLongStrings) {
  const auto lines = problems_of('"' + std::string(5000, 'x') + '"', [](const JsonReader& in) { in.u64(); });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_LT(lines[0].size(), 200U);
}

TEST(JsonReader, BoundsArrays) {
  EXPECT_THAT(problems_of("[1,2]", [](const JsonReader& in) { EXPECT_EQ(in.array(2).size(), 2U); }), IsEmpty());
  EXPECT_THAT(problems_of("[1,2,3]", [](const JsonReader& in) { EXPECT_TRUE(in.array(2).empty()); }),
              ElementsAre("got 3 elements, expected at most 2"));
}

TEST(JsonReader, SuggestsTheNearestName) {
  const auto read = [](const JsonReader& in) { in.enumeration<RefusalState>(); };
  EXPECT_THAT(problems_of("\"cleared\"", read), IsEmpty());
  EXPECT_THAT(problems_of("\"Blockd\"", read),
              ElementsAre("got \"Blockd\", expected one of \"blocked\", \"unresolved\", \"cleared\"; did you mean "
                          "\"blocked\"?"));
  EXPECT_THAT(problems_of("\"\"", read),
              ElementsAre("got \"\", expected one of \"blocked\", \"unresolved\", \"cleared\""));
  EXPECT_THAT(problems_of("3", read), ElementsAre("got 3, expected one of \"blocked\", \"unresolved\", \"cleared\""));
}

TEST(NearestName, TakesOnlyWhatIsNear) {
  EXPECT_EQ(nearest_name("pth", {"path", "owner"}), "path");
  EXPECT_EQ(nearest_name("bytes_lots", {"bytes_bad", "bytes_lost"}), "bytes_lost");
  EXPECT_EQ(nearest_name("zzz", {"path", "owner"}), std::nullopt);
  EXPECT_EQ(nearest_name("", {"a"}), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(1000, 'a'), {"a"}), std::nullopt);
}

void read_rule(const JsonReader& in) {
  JsonObjectReader object(in);
  if (const auto name = object.required("name")) {
    name->string();
  }
  if (const auto limit = object.optional("limit")) {
    limit->u64(0, 10);
  }
  object.finish();
}

TEST(JsonObjectReader, CollectsAllProblemsOfATree) {
  const auto read = [](const JsonReader& in) {
    for (const JsonReader& rule : in.array()) {
      read_rule(rule);
    }
  };
  EXPECT_THAT(
      problems_of(R"([{"name": 1, "limti": 3, "x/y": 0}, {"limit": 11}, 5, {"name": "ok"}])", read),
      ElementsAre("/0/name: got 1, expected a string", "/0/limti: unknown key \"limti\", did you mean \"limit\"?",
                  "/0/x~1y: unknown key \"x/y\", expected \"limit\", \"name\"", "/1: key \"name\" is missing",
                  "/1/limit: got 11, expected a whole number from 0 to 10", "/2: got 5, expected an object"));
}

TEST(JsonObjectReader, GivesKeysThatAreData) {
  const auto read = [](const JsonReader& in) {
    JsonObjectReader object(in);
    EXPECT_THAT(object.keys(), ElementsAre("a", "b"));
    EXPECT_TRUE(object.has("a"));
    EXPECT_FALSE(object.has("c"));
  };
  EXPECT_THAT(problems_of(R"({"b": 1, "a": 2})", read), IsEmpty());
}

TEST(JsonProblems, AreShownUpToAFew) {
  const JsonProblems problems(20, {"/a\n", "wrong"});
  const std::string text = to_string(problems);
  EXPECT_TRUE(text.starts_with("/a\\x0a: wrong; ")) << text;
  EXPECT_TRUE(text.ends_with("; and 12 more")) << text;
}

}  // namespace
}  // namespace pmend
