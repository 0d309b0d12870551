#include "core/delivery/circuit_breaker.h"

#include "gtest/gtest.h"

namespace latchwire {
namespace {

constexpr absl::Duration kAtOnce = -absl::InfiniteDuration();
const CircuitBreakerPolicy kPolicy{3, absl::Seconds(5), absl::Seconds(18)};

absl::Duration At(int seconds) { return absl::Seconds(seconds); }

CircuitBreaker Opened(absl::Duration now) {
  CircuitBreaker breaker;
  for (int i = 0; i < 3; ++i) breaker.Fail(breaker.Start(), kPolicy, now);
  return breaker;
}

TEST(CircuitBreaker, OpensAfterFailuresInARow) {
  CircuitBreaker breaker;
  EXPECT_FALSE(breaker.Fail(breaker.Start(), kPolicy, At(0)));
  EXPECT_FALSE(breaker.Fail(breaker.Start(), kPolicy, At(0)));
  EXPECT_FALSE(breaker.Succeed());
  EXPECT_FALSE(breaker.Fail(breaker.Start(), kPolicy, At(1)));
  EXPECT_FALSE(breaker.Fail(breaker.Start(), kPolicy, At(1)));
  EXPECT_EQ(breaker.NextStart(), kAtOnce);
  EXPECT_TRUE(breaker.Fail(breaker.Start(), kPolicy, At(1)));
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
  EXPECT_EQ(breaker.NextStart(), At(6));
}

TEST(CircuitBreaker, WhatWasUnderWayDoesNotLengthenIt) {
  CircuitBreaker breaker;
  const CircuitBreaker::Ticket before = breaker.Start();
  for (int i = 0; i < 3; ++i) breaker.Fail(breaker.Start(), kPolicy, At(0));
  EXPECT_FALSE(breaker.Fail(before, kPolicy, At(3)));
  EXPECT_EQ(breaker.NextStart(), At(5));
  ASSERT_TRUE(breaker.Advance(At(5)));
  EXPECT_FALSE(breaker.Fail(before, kPolicy, At(5)));
  EXPECT_EQ(breaker.state(), BreakerState::kHalfOpen);
}

TEST(CircuitBreaker, LetsOneProbeThroughAtATime) {
  CircuitBreaker breaker = Opened(At(0));
  EXPECT_FALSE(breaker.Advance(At(4)));
  EXPECT_TRUE(breaker.Advance(At(5)));
  EXPECT_EQ(breaker.NextStart(), kAtOnce);
  const CircuitBreaker::Ticket probe = breaker.Start();
  EXPECT_EQ(breaker.NextStart(), absl::InfiniteDuration());
  breaker.Cancel(probe);
  EXPECT_EQ(breaker.NextStart(), kAtOnce);
  breaker.Start();
  EXPECT_TRUE(breaker.Succeed());
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
  EXPECT_EQ(breaker.NextStart(), kAtOnce);
}

TEST(CircuitBreaker, FailedProbesDoubleTheWaitUpToTheCap) {
  CircuitBreaker breaker = Opened(At(0));
  absl::Duration now = At(5);
  for (const int wait : {10, 18, 18}) {
    ASSERT_TRUE(breaker.Advance(now));
    EXPECT_TRUE(breaker.Fail(breaker.Start(), kPolicy, now));
    EXPECT_EQ(breaker.NextStart() - now, At(wait));
    now = breaker.NextStart();
  }
  breaker.Advance(now);
  breaker.Start();
  breaker.Succeed();
  for (int i = 0; i < 3; ++i) breaker.Fail(breaker.Start(), kPolicy, now);
  EXPECT_EQ(breaker.NextStart() - now, At(5)) << "a success starts it anew";
}

TEST(CircuitBreaker, StartsHalfOpenWhenItWasFailingBefore) {
  EXPECT_EQ(CircuitBreaker(kPolicy, 2).state(), BreakerState::kClosed);
  CircuitBreaker nearly(kPolicy, 2);
  EXPECT_TRUE(nearly.Fail(nearly.Start(), kPolicy, At(0)));
  CircuitBreaker breaker(kPolicy, 3);
  ASSERT_EQ(breaker.state(), BreakerState::kHalfOpen);
  EXPECT_TRUE(breaker.Fail(breaker.Start(), kPolicy, At(1)));
  EXPECT_EQ(breaker.NextStart(), At(6));
}

TEST(CircuitBreaker, ClosedByHandItForgetsWhatIsUnderWay) {
  CircuitBreaker breaker = Opened(At(0));
  breaker.Advance(At(5));
  const CircuitBreaker::Ticket probe = breaker.Start();
  EXPECT_TRUE(breaker.Close());
  EXPECT_FALSE(breaker.Close());
  EXPECT_FALSE(breaker.Fail(probe, kPolicy, At(6)));
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
  // The old probe is not that of the next half-open time either.
  for (int i = 0; i < 3; ++i) breaker.Fail(breaker.Start(), kPolicy, At(7));
  breaker.Advance(At(12));
  breaker.Start();
  breaker.Cancel(probe);
  EXPECT_EQ(breaker.NextStart(), absl::InfiniteDuration());
}

TEST(CircuitBreaker, WithoutAThresholdThereIsNone) {
  const CircuitBreakerPolicy none{0, absl::Seconds(5), absl::Seconds(18)};
  CircuitBreaker breaker(none, 1000);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(breaker.Fail(breaker.Start(), none, At(0)));
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
}

}  // namespace
}  // namespace latchwire
