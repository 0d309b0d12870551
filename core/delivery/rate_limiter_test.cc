#include "core/delivery/rate_limiter.h"

#include <deque>

#include "core/base/random.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

constexpr absl::Duration kAtOnce = -absl::InfiniteDuration();

TEST(RateLimiter, WithoutALimitNobodyWaits) {
  RateLimiter limiter;
  for (int i = 0; i < 1000; ++i) limiter.Take({}, absl::ZeroDuration());
  EXPECT_EQ(limiter.NextStart({}, absl::ZeroDuration()), kAtOnce);
}

TEST(RateLimiter, StartsWithABurstAndThenKeepsTheRate) {
  const RateLimit limit{10, 3};
  RateLimiter limiter;
  absl::Duration now = absl::Seconds(100);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(limiter.NextStart(limit, now), kAtOnce);
    limiter.Take(limit, now);
  }
  for (int i = 0; i < 3; ++i) {
    const absl::Duration next = limiter.NextStart(limit, now);
    EXPECT_EQ(next, now + absl::Milliseconds(100));
    now = next;
    EXPECT_EQ(limiter.NextStart(limit, now), kAtOnce);
    limiter.Take(limit, now);
  }
}

TEST(RateLimiter, ABucketFillsNoFurtherThanItsBurst) {
  const RateLimit limit{10, 3};
  RateLimiter limiter;
  limiter.Take(limit, absl::ZeroDuration());
  const absl::Duration much_later = absl::Hours(1);
  for (int i = 0; i < 3; ++i) limiter.Take(limit, much_later);
  EXPECT_GT(limiter.NextStart(limit, much_later), much_later);
}

TEST(RateLimiter, AnotherLimitHoldsAtOnce) {
  RateLimiter limiter;
  const RateLimit slow{0.001, 1};
  limiter.Take(slow, absl::ZeroDuration());
  EXPECT_EQ(limiter.NextStart(slow, absl::ZeroDuration()), absl::Seconds(1000));
  const RateLimit fast{10, 2};
  EXPECT_LE(limiter.NextStart(fast, absl::ZeroDuration()), absl::Milliseconds(100));
}

TEST(RateLimiter, NoStretchOfTimeEverHoldsMoreThanTheBucket) {
  SeededRandom random(7);
  for (int round = 0; round < 50; ++round) {
    const RateLimit limit{0.5 + random.NextUnit() * 100,
                          1 + static_cast<int>(random.NextUint64() % 20)};
    RateLimiter limiter;
    std::deque<absl::Duration> taken;
    absl::Duration now;
    for (int i = 0; i < 300; ++i) {
      now += absl::Milliseconds(random.NextUint64() % 50);
      const absl::Duration next = limiter.NextStart(limit, now);
      if (next != kAtOnce) now = next;
      limiter.Take(limit, now);
      taken.push_back(now);
      for (size_t first = 0; first < taken.size(); ++first) {
        const double allowed =
            limit.burst + absl::ToDoubleSeconds(now - taken[first]) * limit.attempts_per_s;
        ASSERT_LE(static_cast<double>(taken.size() - first), allowed + 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace latchwire
