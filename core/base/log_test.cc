#include "core/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/testing/captured_log.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(LogTest, EveryKindOfValueReachesTheSink) {
  CapturedLog log;
  const std::string text = "a b";
  Log(LogLevel::kInfo, "hello",
      {{"s", text},
       {"v", absl::string_view("x\ny")},
       {"c", "lit"},
       {"b", true},
       {"i", -1},
       {"u", size_t{7}},
       {"d", 1.5},
       {"port", uint16_t{80}}});
  ASSERT_EQ(log.lines().size(), 1u);
  const CapturedLog::Line line = log.lines().front();
  EXPECT_EQ(line.level, LogLevel::kInfo);
  EXPECT_EQ(line.message, "hello");
  EXPECT_THAT(line.fields,
              ElementsAre(Pair("s", "a b"), Pair("v", "x\ny"), Pair("c", "lit"), Pair("b", "1"),
                          Pair("i", "-1"), Pair("u", "7"), Pair("d", "1.5"), Pair("port", "80")));
}

TEST(LogTest, WhatIsBelowTheLevelOrWithoutASinkGoesNowhere) {
  Log(LogLevel::kError, "before any sink");
  EXPECT_FALSE(IsLogged(LogLevel::kError));
  CapturedLog log;
  EXPECT_TRUE(IsLogged(LogLevel::kDebug));
  EXPECT_EQ(SetLogSink(&log, LogLevel::kWarning), &log);
  Log(LogLevel::kInfo, "too low");
  Log(LogLevel::kWarning, "high enough");
  EXPECT_FALSE(IsLogged(LogLevel::kInfo));
  ASSERT_EQ(log.lines().size(), 1u);
  EXPECT_EQ(log.lines().front().message, "high enough");
}

}  // namespace
}  // namespace latchwire
