#include "core/json/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json_string.h"
#include "core/json/json_syntax.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Names(absl::string_view json) {
  std::vector<std::string> names;
  const auto members = JsonMembers(json);
  for (const JsonMember& member : *members) names.push_back(member.name);
  return names;
}

TEST(JsonTextTest, FindsMembersByteForByte) {
  const auto members = JsonMembers(
      " { \"a\" : 1.00 ,\n\"b\\u0041\\n\":{\"x\":[1, \"}\\\"]\"]}, \"c\":\"q\\\\\" ,\"d\":[ "
      "],\"e\":null}\t");
  ASSERT_TRUE(members.has_value());
  std::vector<std::pair<std::string, std::string>> found;
  for (const JsonMember& member : *members) found.emplace_back(member.name, member.value);
  EXPECT_THAT(found, ElementsAre(testing::Pair("a", "1.00"),
                                 testing::Pair("bA\n", "{\"x\":[1, \"}\\\"]\"]}"),
                                 testing::Pair("c", "\"q\\\\\""), testing::Pair("d", "[ ]"),
                                 testing::Pair("e", "null")));
}

TEST(JsonTextTest, FindsElementsByteForByte) {
  EXPECT_THAT(*JsonElements("[ {\"a\":[1,2]} , 30000000000000000000000000000001,\"],[\" ]"),
              ElementsAre("{\"a\":[1,2]}", "30000000000000000000000000000001", "\"],[\""));
  EXPECT_THAT(*JsonElements(" [ ] "), IsEmpty());
  EXPECT_THAT(*JsonElements("[[],[[1]]]"), ElementsAre("[]", "[[1]]"));
}

TEST(JsonTextTest, OtherTypesAreNothing) {
  for (const char* json : {"1", "\"{\"", "[]", "null", "true"}) {
    EXPECT_FALSE(JsonMembers(json).has_value()) << json;
  }
  for (const char* json : {"1", "\"[\"", "{}", "null"}) {
    EXPECT_FALSE(JsonElements(json).has_value()) << json;
  }
  EXPECT_THAT(Names("{}"), IsEmpty());
}

TEST(JsonTextTest, TheLastOfDuplicatesCounts) {
  EXPECT_EQ(FindMember(*JsonMembers("{\"a\":1,\"a\":2}"), "a"), "2");
  EXPECT_EQ(FindMember(*JsonMembers("{\"\\u0061\":1}"), "a"), "1");
  EXPECT_EQ(FindMember(*JsonMembers("{\"a\":1}"), "b"), std::nullopt);
}

TEST(JsonTextTest, ReadsScalars) {
  EXPECT_EQ(JsonString("\"J\\u00f3\\ud83d\\ude00\\/\""), "Jó😀/");
  EXPECT_EQ(JsonString("\"a\\u0000b\""), std::string("a\0b", 3));
  EXPECT_EQ(JsonString("12"), std::nullopt);
  EXPECT_EQ(JsonInteger("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(JsonInteger("9223372036854775808"), std::nullopt);
  EXPECT_EQ(JsonInteger("1.0"), std::nullopt);
  EXPECT_EQ(JsonInteger("\"1\""), std::nullopt);
  EXPECT_EQ(JsonBool("true"), true);
  EXPECT_EQ(JsonBool("\"true\""), std::nullopt);
}

TEST(JsonTextTest, QuotesWhatItReads) {
  const std::string text("a\"\\\n\x01ł\0z", 9);
  EXPECT_TRUE(IsWellFormedJson(JsonQuote(text), nullptr));
  EXPECT_EQ(JsonString(JsonQuote(text)), text);
}

}  // namespace
}  // namespace latchwire
