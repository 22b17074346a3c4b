// SPDX-License-Identifier: Apache-2.0
#include "bus/dict.hpp"

#include "bus/names.hpp"
#include "pmend/model/json_text.hpp"
#include "samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sdbus-c++/sdbus-c++.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pmend::bus {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;
using Map = std::map<std::string, sdbus::Variant>;

Json parsed(const std::string& text) {
  return parse_json_text(text).value().value;
}

// Out to the bus and back.
Json over_the_bus(const Json& object) {
  return sdbus::Variant(Dict(object)).get<Dict>().json;
}

// The type that member "a" has on the bus.
std::string type_of(const std::string& value) {
  const sdbus::Variant variant(Dict(parsed(R"({"a": )" + value + "}")));
  return variant.get<Map>().at("a").peekValueType();
}

struct TypeRow {
  const char* value;
  const char* type;
};

TEST(Dict, GivesEachKindOfValueItsTypeOnTheBus) {
  const std::vector<TypeRow> rows = {
      {R"("text")", "s"},
      {R"("")", "s"},
      {"7", "t"},
      {"18446744073709551615", "t"},
      {"-1", "x"},
      {"1.5", "d"},
      {"true", "b"},
      {R"({"b": 1})", "a{sv}"},
      {"{}", "a{sv}"},
      {R"({"text": "/srv/a"})", "ay"},
      {R"({"text": "/\\xff", "bytes_base64": "L/8="})", "ay"},
      {R"({"text": "a", "other": 1})", "a{sv}"},
      {R"({"text": 7})", "a{sv}"},
      {R"({"text": "a", "bytes_base64": "not its bytes"})", "a{sv}"},
      {R"(["a", "b"])", "as"},
      {"[1, 2]", "at"},
      {R"([{"b": 1}, {}])", "aa{sv}"},
      {R"([{"text": "/a"}, {"text": "/b"}])", "aay"},
      {"[]", "av"},
      {"[1, -1]", "av"},
      {R"([{"text": "/a"}, {"b": 1}])", "av"},
      {R"(["a", 1, [true]])", "av"},
      {"[true, false]", "av"},
  };
  for (const TypeRow& row : rows) {
    EXPECT_EQ(type_of(row.value), row.type) << row.value;
    const Json object = parsed(std::string(R"({"a": )") + row.value + "}");
    EXPECT_EQ(over_the_bus(object), object) << row.value;
  }
}

TEST(Dict, TakesFileNamesAsTheirBytes) {
  const sdbus::Variant variant(Dict(parsed(R"({"a": {"text": "/\\xff", "bytes_base64": "L/8="}})")));
  EXPECT_EQ(variant.get<Map>().at("a").get<std::vector<std::uint8_t>>(), (std::vector<std::uint8_t>{'/', 0xFF}));
}

TEST(Dict, LeavesOutWhatIsNull) {
  EXPECT_EQ(over_the_bus(parsed(R"({"a": null, "b": [null, 1, null], "c": {"d": null}})")),
            parsed(R"({"b": [1], "c": {}})"));
}

TEST(Dict, EscapesTextThatTheBusCannotTake) {
  EXPECT_EQ(over_the_bus({{"a", "x\xFFy"}})["a"], "x\\xffy");
  EXPECT_EQ(over_the_bus({{"a", std::string("x\0y", 3)}})["a"], "x\\x00y");
}

TEST(Dict, CarriesTheValuesOfTheModelUnchanged) {
  Json report = to_json(samples::report());
  EXPECT_EQ(over_the_bus(report), report);
  Json device = to_json(samples::device_info());
  EXPECT_EQ(over_the_bus(device), device);
}

TEST(Dict, IsEmptyForAnythingButAnObject) {
  for (const char* value : {"null", "7", "[]", R"("a")"}) {
    EXPECT_EQ(Dict(parsed(value)).json, Json::object()) << value;
  }
}

TEST(Dict, ReadsTypesThatItNeverWrites) {
  const Map map = {{"y", std::uint8_t{1}},
                   {"n", std::int16_t{-2}},
                   {"q", std::uint16_t{3}},
                   {"i", std::int32_t{-4}},
                   {"u", std::uint32_t{5}},
                   {"o", sdbus::ObjectPath("/a")},
                   {"g", sdbus::Signature("as")},
                   {"v", sdbus::Variant(std::string("inner"))},
                   {"ai", std::vector<std::int32_t>{-1, 2}},
                   {"aas", std::vector<std::vector<std::string>>{{"a"}, {}}}};
  const Json expected = parsed(R"({"y": 1, "n": -2, "q": 3, "i": -4, "u": 5, "o": "/a", "g": "as", "v": "inner",
                                   "ai": [-1, 2], "aas": [["a"], []]})");
  EXPECT_EQ(sdbus::Variant(map).get<Dict>().json, expected);
}

TEST(Dict, RefusesTypesThatHaveNoPlaceInJson) {
  const std::vector<Map> maps = {{{"a", std::map<std::string, std::string>{{"k", "v"}}}},
                                 {{"a", std::map<std::uint64_t, sdbus::Variant>{}}},
                                 {{"a", sdbus::Struct<std::string, bool>("x", true)}},
                                 {{"a", std::vector<sdbus::Struct<bool>>{sdbus::Struct<bool>(true)}}}};
  for (const Map& map : maps) {
    try {
      sdbus::Variant(map).get<Dict>();
      ADD_FAILURE() << "was read";
    } catch (const sdbus::Error& error) {
      EXPECT_EQ(error.getName(), kErrorInvalid);
      EXPECT_THAT(error.getMessage(), HasSubstr("has no place"));
    }
  }
}

TEST(Dict, ReadsWhatWasNestedAsDeepAsTheBusAllows) {
  Json deep = 1;
  for (int i = 0; i < 12; ++i) {
    deep = Json{{"a", deep}};
  }
  EXPECT_EQ(over_the_bus(deep), deep);
}

TEST(Dict, IsReadFromAnArrayToItsEnd) {
  const std::vector<Dict> list = {Dict(Json{{"a", 1}}), Dict(), Dict(Json{{"b", "x"}})};
  const auto back = sdbus::Variant(list).get<std::vector<Dict>>();
  ASSERT_EQ(back.size(), 3U);
  EXPECT_EQ(back[0].json, (Json{{"a", 1}}));
  EXPECT_EQ(back[1].json, Json::object());
  EXPECT_EQ(back[2].json, (Json{{"b", "x"}}));
}

}  // namespace
}  // namespace pmend::bus
