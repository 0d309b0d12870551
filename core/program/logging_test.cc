#include "core/program/logging.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

std::string Line(absl::string_view value) { return FormatLogLine("m", {{"k", value}}); }

TEST(LoggingTest, PlainValuesStandBare) {
  EXPECT_EQ(FormatLogLine("serving", {{"address", "[::1]:80"}, {"file", "/var/lib/x-1_2.key"}}),
            "msg=serving address=[::1]:80 file=/var/lib/x-1_2.key");
  EXPECT_EQ(FormatLogLine("it serves", {{"n", 3}, {"tls", false}, {"p50", 0.25}}),
            "msg=\"it serves\" n=3 tls=false p50=0.25");
}

TEST(LoggingTest, NoValueForgesALineOrAField) {
  EXPECT_EQ(Line(""), "msg=m k=\"\"");
  EXPECT_EQ(Line("a b"), "msg=m k=\"a b\"");
  EXPECT_EQ(Line("a level=error"), "msg=m k=\"a level=error\"");
  EXPECT_EQ(Line("a=b"), "msg=m k=\"a=b\"");
  EXPECT_EQ(Line("1\" msg=\"forged"), "msg=m k=\"1\\\" msg=\\\"forged\"");
  EXPECT_EQ(Line("\\"), "msg=m k=\"\\\\\"");
  EXPECT_EQ(Line("1\ntime=2026 msg=forged\r\n"), "msg=m k=\"1\\ntime=2026 msg=forged\\r\\n\"");
  EXPECT_EQ(Line(absl::string_view("a\0b\x1b[2J\x7f\t", 9)), "msg=m k=\"a\\x00b\\x1b[2J\\x7f\\t\"");
  EXPECT_EQ(FormatLogLine("a\nlevel=error", {}), "msg=\"a\\nlevel=error\"");
}

TEST(LoggingTest, TextIsUtf8AndDoesNotPlayTricks) {
  EXPECT_EQ(Line("zażółć 門 🚪"), "msg=m k=\"zażółć 門 🚪\"");
  EXPECT_EQ(Line("a\xff\xc3"), "msg=m k=\"a\\xff\\xc3\"");
  EXPECT_EQ(Line("\xed\xa0\x80"), "msg=m k=\"\\xed\\xa0\\x80\"") << "a surrogate";
  EXPECT_EQ(Line("\xc2\x85"), "msg=m k=\"\\u{0085}\"") << "next line";
  EXPECT_EQ(Line("\xc2\x9b"), "msg=m k=\"\\u{009b}\"") << "begins a terminal's control sequence";
  EXPECT_EQ(Line("\xe2\x80\xa8"), "msg=m k=\"\\u{2028}\"") << "line separator";
  EXPECT_EQ(Line("\xe2\x80\xae"), "msg=m k=\"\\u{202e}\"") << "right to left";
}

TEST(LoggingTest, Levels) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_TRUE(ParseLogLevel("warn", &level));
  EXPECT_EQ(level, LogLevel::kWarning);
  for (const char* text : {"", "warning", "INFO", "off"}) {
    EXPECT_FALSE(ParseLogLevel(text, &level)) << text;
  }
}

TEST(LoggingTest, LinesGoToStandardErrorWithTimeAndLevel) {
  ::testing::internal::CaptureStderr();
  SetUpLogging(LogLevel::kWarning);
  Log(LogLevel::kInfo, "not this");
  Log(LogLevel::kWarning, "this {}", {{"k", "a\nb {}"}});
  SetLogSink(nullptr, LogLevel::kInfo);
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.substr(0, 7), "time=20");
  const std::string end = "Z level=warning msg=\"this {}\" k=\"a\\nb {}\"\n";
  ASSERT_GT(text.size(), end.size());
  EXPECT_EQ(text.substr(text.size() - end.size()), end);
}

}  // namespace
}  // namespace latchwire
