#include "server/delivery/timer_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/base/testing/simulated_world.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TimerLineTest : public ::testing::Test {
 protected:
  WebhookKey Key(int64_t uid) { return {kDefaultTenant, uid}; }
  absl::Time In(absl::Duration delay) { return clock_.Now() + delay; }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SimulatedExecutor executor_{&clock_};
  std::vector<int64_t> due_;
  int done_ = 0;
  TimerLine line_{&executor_,
                  &clock_,
                  {[this](WebhookKey key) { due_.push_back(key.uid); }, [this] { ++done_; }}};
  TimerLine::Slot a_, b_;
};

TEST_F(TimerLineTest, TellsOfEachAtItsTimeAndFreesItsSlot) {
  line_.Set(Key(1), a_, In(absl::Seconds(10)));
  line_.Set(Key(2), b_, In(absl::Seconds(5)));
  executor_.RunFor(absl::Seconds(4));
  EXPECT_THAT(due_, IsEmpty());
  executor_.RunFor(absl::Seconds(2));
  EXPECT_THAT(due_, ElementsAre(2));
  EXPECT_EQ(b_.time, absl::InfiniteFuture());
  executor_.RunFor(absl::Seconds(5));
  EXPECT_THAT(due_, ElementsAre(2, 1));
  EXPECT_GE(done_, 2);
}

TEST_F(TimerLineTest, ALaterTimeReplacesTheOneBefore) {
  line_.Set(Key(1), a_, In(absl::Seconds(5)));
  line_.Set(Key(1), a_, In(absl::Seconds(20)));
  executor_.RunFor(absl::Seconds(19));
  EXPECT_THAT(due_, IsEmpty());
  line_.Set(Key(1), a_, absl::InfiniteFuture());
  executor_.RunFor(absl::Hours(1));
  EXPECT_THAT(due_, IsEmpty());
}

TEST_F(TimerLineTest, AClockThatJumpsMakesEveryWebhookDueWithin30Seconds) {
  line_.Set(Key(1), a_, In(absl::Hours(2)));
  clock_.JumpWall(-absl::Hours(5));
  executor_.RunFor(absl::Seconds(30));
  EXPECT_THAT(due_, ElementsAre(1));
  EXPECT_NE(a_.time, absl::InfiniteFuture()) << "its time has not come";
  clock_.JumpWall(absl::Hours(8));
  due_.clear();
  executor_.RunFor(absl::Seconds(30));
  EXPECT_THAT(due_, ElementsAre(1, 1));
  EXPECT_EQ(a_.time, absl::InfiniteFuture());
}

}  // namespace
}  // namespace latchwire
