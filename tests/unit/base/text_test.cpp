// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pmend {
namespace {

TEST(Utf8, AcceptsWellFormedSequences) {
  for (const char* text : {"", "plain", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(text)) << escape_bytes(text);
  }
}

TEST(Utf8, RefusesOverlongSurrogateTruncatedAndStrayBytes) {
  for (const char* text : {"\xFF", "\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "a\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(text)) << escape_bytes(text);
  }
}

TEST(EscapeBytes, IsOneReadableLine) {
  EXPECT_EQ(escape_bytes("/srv/a"), "/srv/a");
  EXPECT_EQ(escape_bytes("/srv/b\xFF\n\x7F"), "/srv/b\\xff\\x0a\\x7f");
  EXPECT_EQ(escape_bytes("\xC3\xA4"), "\xC3\xA4");
}

TEST(EscapeBytes, CannotBeMistakenForTheNameOfAnotherFile) {
  EXPECT_NE(escape_bytes("a\\x0a"), escape_bytes("a\n"));
  EXPECT_EQ(escape_bytes("\\"), "\\\\");
}

TEST(Base64, RoundTripsEveryLengthAndByte) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    const auto back = from_base64(to_base64(bytes));
    ASSERT_TRUE(back.has_value()) << i;
    EXPECT_EQ(*back, bytes);
    bytes.push_back(static_cast<char>(i));
  }
}

TEST(Base64, RefusesWhatItDoesNotPrint) {
  for (const char* text : {"A", "AA=A", "AAA", "AB==", " QUJD", "QUJD\n", "Q$JD"}) {
    EXPECT_FALSE(from_base64(text).has_value()) << text;
  }
}

TEST(Sha256, OfKnownText) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, IsKnownByItsForm) {
  EXPECT_TRUE(is_sha256_hex(sha256_hex("")));
  for (const std::string& text : {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'),
                                  std::string(64, 'g'), std::string(64, '\0')}) {
    EXPECT_FALSE(is_sha256_hex(text)) << escape_bytes(text);
  }
}

TEST(ParseU64, TakesPlainDecimalOnly) {
  EXPECT_EQ(parse_u64("18446744073709551615").value(), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x10", "1.0", "18446744073709551616"}) {
    EXPECT_FALSE(parse_u64(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace pmend
