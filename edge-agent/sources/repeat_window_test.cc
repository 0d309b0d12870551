#include "edge-agent/sources/repeat_window.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace latchwire::edge {
namespace {

TEST(RepeatWindowTest, AKeyIsKnownFromItsBeginningAndForgottenWhenNotTaken) {
  RepeatWindow window(2);
  EXPECT_EQ(window.Find("a"), nullptr);
  window.Begin("a", "1");
  EXPECT_FALSE(window.Find("a")->durable);
  window.Settle("a", false);
  EXPECT_EQ(window.Find("a"), nullptr);
  window.Begin("a", "2");
  window.Settle("a", true);
  EXPECT_TRUE(window.Find("a")->durable);
  EXPECT_EQ(window.Find("a")->id, "2");
}

TEST(RepeatWindowTest, ForgetsTheOldestButNeverOneOnItsWay) {
  RepeatWindow window(2);
  window.Begin("slow", "0");
  for (int i = 1; i <= 4; ++i) window.Remember(absl::StrCat("k", i), absl::StrCat(i));
  EXPECT_EQ(window.Find("k2"), nullptr);
  EXPECT_NE(window.Find("k3"), nullptr);
  ASSERT_NE(window.Find("slow"), nullptr);
  window.Settle("slow", true);
  EXPECT_EQ(window.Find("k3"), nullptr);
}

// The same event may lie in two epochs of the spool. When its key stood twice in the order, the
// older mention took the newer event's marker away while that was on its way.
TEST(RepeatWindowTest, AKeyRememberedTwiceCountsOnce) {
  RepeatWindow window(2);
  window.Remember("a", "1");
  window.Remember("a", "2");
  window.Remember("b", "3");
  EXPECT_EQ(window.Find("a")->id, "2");
  window.Remember("c", "4");
  EXPECT_EQ(window.Find("a"), nullptr);
  window.Begin("a", "5");
  window.Remember("d", "6");
  window.Remember("a", "1");
  EXPECT_EQ(window.Find("a")->id, "5");
}

TEST(RepeatWindowDeathTest, SettlingWhatNeverBeganIsOurMistake) {
  RepeatWindow window(1);
  EXPECT_DEATH(window.Settle("a", true), "settled twice");
  window.Remember("a", "1");
  EXPECT_DEATH(window.Begin("a", "2"), "taken for a new event");
}

}  // namespace
}  // namespace latchwire::edge
