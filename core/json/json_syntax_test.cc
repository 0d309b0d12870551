#include "core/json/json_syntax.h"

#include <fstream>

#include "core/base/crypto.h"
#include "core/base/random.h"
#include "core/base/testing/source_tree.h"
#include "core/json/utf8.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace latchwire {
namespace {

TEST(IsWellFormedJson, Vectors) {
  const auto vectors = nlohmann::json::parse(
      std::ifstream(SourcePath("tests/vectors/json_wellformed.json")))["cases"];
  ASSERT_GE(vectors.size(), 140);
  for (const auto& c : vectors) {
    std::string text = c.value("text", "");
    if (c.contains("text_base64")) text = *Base64Decode(c["text_base64"].get<std::string>());
    if (c.contains("repeat")) {
      for (const auto& part : c["repeat"]) {
        for (int i = 0; i < part[1].get<int>(); ++i) text += part[0].get<std::string>();
      }
    }
    std::string error;
    EXPECT_EQ(IsWellFormedJson(text, &error), c["valid"].get<bool>()) << c << " " << error;
    EXPECT_EQ(error.empty(), c["valid"].get<bool>()) << c;
    EXPECT_EQ(IsWellFormedJson(text, nullptr), c["valid"].get<bool>());
  }
}

TEST(IsWellFormedJson, SaysWhatAndWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no value at byte 0"},
      {"[1,]", "no value at byte 3"},
      {"{\"a\" 1}", "no : at byte 5"},
      {"{,}", "no member name at byte 1"},
      {"[1 2]", "no , or ] at byte 3"},
      {"{} x", "unexpected text after the value at byte 3"},
      {"\"a\xff\"", "bytes that are not UTF-8 at byte 2"},
      {"\"a", "an unterminated string at byte 2"},
      {"01", "a number with a leading zero at byte 1"},
      {"[", "unexpected end at byte 1"},
  };
  for (const auto& [text, expected] : cases) {
    std::string error;
    EXPECT_FALSE(IsWellFormedJson(text, &error));
    EXPECT_EQ(error, expected) << text;
  }
}

// The heap copy has no byte behind it, so that the address sanitizer sees a read past the end.
bool CheckAtTheEndOfMemory(const std::string& text) {
  const std::vector<char> exact(text.begin(), text.end());
  return IsWellFormedJson(absl::string_view(exact.data(), exact.size()), nullptr);
}

// Every proper prefix of an array is not JSON; and a changed byte is judged as another parser does.
TEST(IsWellFormedJson, CutAndChangedTexts) {
  const std::string text =
      R"([{"key":"v\u0141\n\"Ł🚪","n":-12.50e+3,"t":true,"f":false,"z":null,"o":{},"a":[[],1]}])";
  EXPECT_TRUE(CheckAtTheEndOfMemory(text));
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(CheckAtTheEndOfMemory(text.substr(0, size))) << size;
  }
  SeededRandom random(5);
  size_t well_formed = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = text;
    for (uint64_t n = 1 + random.NextUint64() % 2; n > 0; --n) {
      static constexpr absl::string_view kBytes = "\"\\{}[]:, 019-+.eEtfnul/\n\0\x80\xc5\xf0";
      changed[random.NextUint64() % changed.size()] = kBytes[random.NextUint64() % kBytes.size()];
    }
    const bool expected = nlohmann::json::accept(changed);
    well_formed += expected;
    // nlohmann refuses lone surrogates; the text has no surrogate escape, and gets none.
    ASSERT_EQ(CheckAtTheEndOfMemory(changed), expected) << changed;
  }
  EXPECT_GT(well_formed, 1000);
}

TEST(CodePointCount, CountsCharactersAndRefusesOtherBytes) {
  EXPECT_EQ(CodePointCount(""), 0);
  EXPECT_EQ(CodePointCount("abc"), 3);
  EXPECT_EQ(CodePointCount("Zażółć"), 6);
  EXPECT_EQ(CodePointCount("🚪\xef\xbf\xbf"), 2);
  for (const char* text :
       {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_EQ(CodePointCount(text), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace latchwire
