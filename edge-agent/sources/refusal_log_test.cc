#include "edge-agent/sources/refusal_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/testing/captured_log.h"
#include "core/base/testing/simulated_world.h"

namespace latchwire::edge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

class RefusalLogTest : public testing::Test {
 protected:
  void Refuse(std::string peer, std::string path, std::string reason = "ROUTE_NOT_FOUND") {
    log_.Add({.peer = std::move(peer),
              .method = "GET",
              .path = std::move(path),
              .status = 404,
              .reason = std::move(reason),
              .nearest = "/in/acogo/ez_open"});
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  CapturedLog lines_;
  RefusalLog log_{&clock_};
};

TEST_F(RefusalLogTest, WarnsOncePerPeerPathReasonAndMinute) {
  Refuse("192.0.2.7", "/in/acogo/open");
  ASSERT_THAT(lines_.lines(), SizeIs(1));
  EXPECT_EQ(lines_.lines()[0].level, LogLevel::kWarning);
  EXPECT_THAT(
      lines_.lines()[0].fields,
      ElementsAre(Pair("peer", "192.0.2.7"), Pair("method", "GET"), Pair("path", "/in/acogo/open"),
                  Pair("status", "404"), Pair("reason", "ROUTE_NOT_FOUND"),
                  Pair("nearest", "/in/acogo/ez_open"), Pair("unlogged", "0")));
  Refuse("192.0.2.7", "/in/acogo/open");
  Refuse("192.0.2.7", "/in/acogo/open");
  EXPECT_THAT(lines_.lines(), SizeIs(1));
  Refuse("192.0.2.8", "/in/acogo/open");
  Refuse("192.0.2.7", "/in/acogo");
  Refuse("192.0.2.7", "/in/acogo/open", "TOKEN_INVALID");
  EXPECT_THAT(lines_.lines(), SizeIs(4));
  clock_.AdvanceTo(clock_.Now() + RefusalLog::kWarningInterval);
  Refuse("192.0.2.7", "/in/acogo/open");
  ASSERT_THAT(lines_.lines(), SizeIs(5));
  EXPECT_EQ(lines_.lines().back().Field("unlogged"), "2");
  EXPECT_EQ(log_.total(), 7u);
}

TEST_F(RefusalLogTest, ManyPathsNeitherFloodTheLogNorFillTheMemory) {
  for (int i = 0; i < 10'000; ++i) Refuse("192.0.2.7", absl::StrCat("/", i));
  EXPECT_THAT(lines_.lines(), SizeIs(RefusalLog::kMaxWarnedAbout + 1));
  EXPECT_THAT(lines_.lines().back().message, HasSubstr("too many"));
  EXPECT_EQ(log_.total(), 10'000u);
  EXPECT_THAT(log_.Recent(), SizeIs(RefusalLog::kMaxRecent));
  clock_.AdvanceTo(clock_.Now() + RefusalLog::kWarningInterval);
  Refuse("192.0.2.7", "/again");
  EXPECT_EQ(lines_.lines().back().Field("path"), "/again");
}

TEST_F(RefusalLogTest, ShowsTheLastOnesNewestFirstAndCountsThemAll) {
  Refuse("a", "/1");
  clock_.AdvanceTo(clock_.Now() + absl::Seconds(1));
  Refuse("b", "/2", "TOKEN_INVALID");
  Refuse("b", "/2", "TOKEN_INVALID");
  ASSERT_THAT(log_.Recent(), SizeIs(3));
  EXPECT_EQ(log_.Recent()[0].path, "/2");
  EXPECT_EQ(log_.Recent()[2].path, "/1");
  EXPECT_EQ(log_.Recent()[0].time - log_.Recent()[2].time, absl::Seconds(1));
  const auto counts = log_.Counts();
  ASSERT_THAT(counts, SizeIs(2));
  EXPECT_EQ(counts[1].reason, "TOKEN_INVALID");
  EXPECT_EQ(counts[1].count, 2u);
}

TEST(MaskTargetTest, ShowsNoSecretAndNothingThatIsNotPrintable) {
  EXPECT_THAT(MaskTarget("/in/json?token=a/b==&type=x&SECRET"),
              Pair("/in/json", "token=***&type=***&***"));
  EXPECT_THAT(MaskTarget("/in/acogo/ez_open&token=abc"), Pair("/in/acogo/ez_open&token=***", ""));
  EXPECT_THAT(MaskTarget("/in/acogo/ez_open%3Ftoken%3Dabc"),
              Pair("/in/acogo/ez_open%3Ftoken%3D***", ""));
  EXPECT_THAT(MaskTarget("http://user:password@host/x?a=1"), Pair("(not a path)", "a=***"));
  EXPECT_THAT(MaskTarget("/\n\xff\""), Pair("/\\n\\xff\\\"", ""));
  EXPECT_THAT(MaskTarget("/?"), Pair("/", IsEmpty()));
  EXPECT_THAT(MaskTarget("/" + std::string(10'000, 'x')).first, SizeIs(131));
}

}  // namespace
}  // namespace latchwire::edge
