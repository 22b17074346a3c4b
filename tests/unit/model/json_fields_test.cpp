// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/json_fields.hpp"

#include "pmend/model/file_path.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/step.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pmend {
namespace {

template <class T>
std::string error_of(std::string_view text) {
  const auto value = from_json<T>(parse_json_text(text).value().value);
  return value ? "taken" : value.error().what;
}

TEST(FilePathJson, HasTheBytesOnlyWhereTheTextIsNotEnough) {
  EXPECT_EQ(to_json_text(to_json(FilePath{"/srv/ä"})), "{\"text\":\"/srv/ä\"}");
  EXPECT_EQ(to_json_text(to_json(FilePath{"/b\xFF"})), R"({"bytes_base64":"L2L/","text":"/b\\xff"})");
  EXPECT_EQ(to_json_text(to_json(FilePath{"a\\"})), R"({"bytes_base64":"YVw=","text":"a\\\\"})");
}

TEST(FilePathJson, RoundTripsEveryByteButNul) {
  FilePath path;
  for (int c = 255; c > 0; --c) {
    path.bytes.push_back(static_cast<char>(c));
    const auto back = from_json<FilePath>(parse_json_text(to_json_text(to_json(path))).value().value);
    ASSERT_TRUE(back.has_value()) << back.error().message();
    EXPECT_EQ(*back, path);
  }
}

TEST(FilePathJson, RefusesWhatDisagrees) {
  EXPECT_EQ(error_of<FilePath>(R"({"text":"/a"})"), "taken");
  const char* hostile[] = {
      R"({"text":"/b\\xff","bytes_base64":"L2E="})",  // the bytes of /a
      R"({"text":"/a","bytes_base64":"L2E="})",       // not needed
      R"({"text":"/b\\xff"})",                        // needed
      R"({"text":"/b\\xff","bytes_base64":"L2L"})",
      R"({"text":"/b\\xff","bytes_base64":"L2L/\n"})",
      R"({"text":"/b\\xff","bytes_base64":7})",
      R"({"bytes_base64":"L2L/"})",
      R"({"text":"/a\\x00","bytes_base64":"L2EA"})",  // NUL
      R"({"text":"/a\u0000b"})",
      R"({"text":""})",
      R"({"text":"/a\nb"})",
      R"({"text":"/a","x":1})",
      R"("/a")",
  };
  for (const char* text : hostile) {
    EXPECT_NE(error_of<FilePath>(text), "taken") << text;
  }
}

TEST(ByteRangeJson, RefusesWrappingEmptyAndNegative) {
  EXPECT_EQ(error_of<ByteRange>(R"({"offset":0,"length":9223372036854775807})"), "taken");
  EXPECT_EQ(error_of<ByteRange>(R"({"offset":1,"length":9223372036854775807})"),
            "/length: range 1+9223372036854775807 passes 2^63");
  EXPECT_EQ(error_of<ByteRange>(R"({"offset":0,"length":0})"), "/length: got 0, expected a whole number, 1 or more");
  EXPECT_EQ(error_of<ByteRange>(R"({"offset":-512,"length":1})"),
            "/offset: got -512, expected a whole number, 0 or more");
  EXPECT_EQ(error_of<ByteRange>(R"({"offset":18446744073709551104,"length":1024})"),
            "/length: range 18446744073709551104+1024 passes 2^63");
  EXPECT_EQ(error_of<ByteRange>(R"({})"), "key \"offset\" is missing; key \"length\" is missing");
}

TEST(TimeJson, IsWholeSecondsUtc) {
  const WallTime time = from_rfc3339("2026-11-22T09:00:00Z").value();
  EXPECT_EQ(to_json(time + std::chrono::microseconds(999999)), "2026-11-22T09:00:00Z");
  EXPECT_EQ(from_json<WallTime>("2026-11-22T09:00:00Z").value(), time);
  for (const Json& wrong : {Json(7), Json("2026-11-22"), Json("2026-11-22T09:00:00+01:00"),
                            Json("2026-02-30T09:00:00Z"), Json(""), Json()}) {
    EXPECT_FALSE(from_json<WallTime>(wrong).has_value()) << wrong;
  }
}

TEST(IdJson, ZeroNamesNothing) {
  EXPECT_EQ(from_json<JobId>(3).value(), JobId{3});
  EXPECT_FALSE(from_json<JobId>(0).has_value());
}

TEST(NarrowNumbersJson, DoNotWrap) {
  EXPECT_EQ(from_json<std::uint32_t>(4294967295U).value(), 4294967295U);
  EXPECT_FALSE(from_json<std::uint32_t>(4294967296U).has_value());
  EXPECT_FALSE(from_json<std::uint32_t>(-1).has_value());
}

TEST(TextJson, IsEscapedWhereItIsNotUtf8) {
  EXPECT_EQ(to_json(std::string("a\xFF")), "a\\xff");
  EXPECT_EQ(to_json(std::string("a\\")), "a\\");
}

TEST(DigestJson, IsLowerCaseHexOrNull) {
  const std::string start = R"({"job":1,"index":0,"kind":"times","device_offset":0,"length":512,"outcome":null,)"
                            R"("reason":"","spool_sha256":)";
  EXPECT_EQ(error_of<Step>(start + "null}"), "taken");
  EXPECT_EQ(error_of<Step>(start + '"' + std::string(64, 'a') + "\"}"), "taken");
  for (const std::string& wrong : {std::string("\"\""), '"' + std::string(63, 'a') + '"',
                                   '"' + std::string(64, 'A') + '"', std::string("0"), std::string("[]")}) {
    EXPECT_NE(error_of<Step>(start + wrong + "}"), "taken") << wrong;
  }
}

TEST(MediaErrorListJson, HasItsRangesInOrder) {
  const std::string start =
      R"({"device":"/dev/pmem0","device_id":"ns:1","source":"badblocks","complete":true,"ranges":)";
  EXPECT_EQ(error_of<MediaErrorList>(start + R"([{"offset":0,"length":512},{"offset":512,"length":512}]})"), "taken");
  EXPECT_EQ(error_of<MediaErrorList>(start + "[]}"), "taken");
  EXPECT_EQ(error_of<MediaErrorList>(start + R"([{"offset":0,"length":513},{"offset":512,"length":512}]})"),
            "ranges overlap or are out of order");
  EXPECT_EQ(error_of<MediaErrorList>(start + R"([{"offset":512,"length":512},{"offset":0,"length":512}]})"),
            "ranges overlap or are out of order");
}

}  // namespace
}  // namespace pmend
