// Clock, random, backoff, crash points and simulated time.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/backoff.h"
#include "core/base/clock.h"
#include "core/base/crash_point.h"
#include "core/base/random.h"
#include "core/base/testing/simulated_world.h"

namespace latchwire {
namespace {

TEST(SystemClock, MonotonicNeverGoesBack) {
  absl::Duration last = SystemClock()->Monotonic();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = SystemClock()->Monotonic();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(SystemClock()->Now(), absl::FromUnixSeconds(1'700'000'000));
}

TEST(SeededRandom, RepeatsAndDiffersBySeed) {
  SeededRandom a(5), b(5), c(6);
  char bytes_a[13], bytes_b[13], bytes_c[13];
  a.Fill(bytes_a, 13);
  b.Fill(bytes_b, 13);
  c.Fill(bytes_c, 13);
  EXPECT_EQ(std::string(bytes_a, 13), std::string(bytes_b, 13));
  EXPECT_NE(std::string(bytes_a, 13), std::string(bytes_c, 13));
}

TEST(Random, UnitIsInRangeAndSpread) {
  SeededRandom random(0);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double unit = random.NextUnit();
    ASSERT_GE(unit, 0.0);
    ASSERT_LT(unit, 1.0);
    sum += unit;
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
  EXPECT_NE(SystemRandom()->NextUint64(), SystemRandom()->NextUint64());
}

TEST(Backoff, DoublesToTheCapAndResets) {
  class LowestRandom : public Random {
    void Fill(void* out, size_t size) override { std::fill_n(static_cast<char*>(out), size, '\0'); }
  } lowest;  // NextUnit() is 0, so each delay is the longest possible
  Backoff backoff(absl::Seconds(1), absl::Seconds(5), &lowest);
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
  EXPECT_EQ(backoff.Next(), absl::Seconds(2));
  EXPECT_EQ(backoff.Next(), absl::Seconds(4));
  EXPECT_EQ(backoff.Next(), absl::Seconds(5));
  EXPECT_EQ(backoff.Next(), absl::Seconds(5));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
}

TEST(Backoff, JitterStaysWithinBounds) {
  SeededRandom random(3);
  Backoff backoff(absl::Milliseconds(10), absl::Milliseconds(10), &random);
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration delay = backoff.Next();
    EXPECT_GT(delay, absl::ZeroDuration());
    EXPECT_LE(delay, absl::Milliseconds(10));
  }
}

#ifdef LATCHWIRE_CRASH_POINTS
TEST(CrashPointDeathTest, DiesAtTheNthPassOfItsNameOnly) {
  EXPECT_EXIT(
      {
        setenv("LATCHWIRE_CRASH_AT", "here:3", 1);
        CrashPoint("elsewhere");
        CrashPoint("here");
        CrashPoint("here");
        std::fputs("still alive", stderr);
        CrashPoint("here");
        std::fputs("not dead", stderr);
      },
      ::testing::KilledBySignal(SIGKILL), "^still alive$");
}

TEST(CrashPointDeathTest, FirstPassByDefaultAndNothingWhenUnset) {
  EXPECT_EXIT(
      {
        setenv("LATCHWIRE_CRASH_AT", "here", 1);
        CrashPoint("here");
      },
      ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(
      {
        unsetenv("LATCHWIRE_CRASH_AT");
        CrashPoint("here");
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}
#endif

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

TEST(SimulatedExecutor, RunsByTimeThenByPosting) {
  SimulatedClock clock(kStart);
  SimulatedExecutor executor(&clock);
  std::vector<int> order;
  executor.PostAfter(absl::Seconds(2), [&] { order.push_back(4); });
  executor.PostAfter(absl::Seconds(1), [&] {
    order.push_back(2);
    executor.Post([&] { order.push_back(3); });
  });
  executor.Post([&] { order.push_back(0); });
  executor.PostAfter(-absl::Seconds(9), [&] { order.push_back(1); });
  EXPECT_EQ(executor.RunUntilIdle(), 5u);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(clock.Now(), kStart + absl::Seconds(2));
}

TEST(SimulatedExecutor, RunForStopsAtItsEnd) {
  SimulatedClock clock(kStart);
  SimulatedExecutor executor(&clock);
  int runs = 0;
  executor.PostAfter(absl::Seconds(5), [&] { ++runs; });
  executor.PostAfter(absl::Seconds(6), [&] { ++runs; });
  executor.RunFor(absl::Seconds(5));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(executor.pending(), 1u);
  EXPECT_EQ(clock.Now(), kStart + absl::Seconds(5));
  executor.Clear();
  EXPECT_FALSE(executor.RunOne());
}

TEST(SimulatedExecutor, LimitEndsALoopThatNeverIdles) {
  SimulatedClock clock(kStart);
  SimulatedExecutor executor(&clock);
  std::function<void()> again = [&] { executor.Post(again); };
  executor.Post(again);
  EXPECT_EQ(executor.RunUntilIdle(100), 100u);
}

TEST(SimulatedExecutor, NeverMeansNever) {
  SimulatedClock clock(kStart);
  SimulatedExecutor executor(&clock);
  executor.PostAfter(absl::InfiniteDuration(), [] { FAIL(); });
  EXPECT_EQ(executor.RunUntilIdle(), 0u);
}

TEST(SimulatedClock, WallJumpLeavesMonotonicAlone) {
  SimulatedClock clock(kStart);
  const absl::Duration before = clock.Monotonic();
  clock.JumpWall(-absl::Hours(1));
  EXPECT_EQ(clock.Now(), kStart - absl::Hours(1));
  EXPECT_EQ(clock.Monotonic(), before);
}

}  // namespace
}  // namespace latchwire
