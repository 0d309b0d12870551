#include "core/json/json_string.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

TEST(AppendJsonString, AppendsAndEscapesOnlyWhatItMust) {
  std::string text = "x";
  AppendJsonString("", &text);
  EXPECT_EQ(text, "x\"\"");
  text.clear();
  AppendJsonString(absl::string_view("a/<>&\x7f\0\"ł", 10), &text);
  EXPECT_EQ(text, "\"a/<>&\x7f\\u0000\\\"ł\"");
}

TEST(JsonQuote, QuotesTheWhole) { EXPECT_EQ(JsonQuote("a\n"), R"("a\n")"); }

}  // namespace
}  // namespace latchwire
