#include "core/net/timer_wheel.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/base/testing/simulated_world.h"

namespace latchwire {
namespace {

struct TestTimer : TimerWheel::Timer {
  explicit TestTimer(std::function<void()> action) : on_expire(std::move(action)) {}
  void OnExpire() override { on_expire(); }
  std::function<void()> on_expire;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  void AdvanceTo(absl::Duration since_start) {
    clock_.AdvanceTo(absl::FromUnixSeconds(1000) + since_start);
    wheel_.Advance();
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1000)};
  boost::asio::io_context context_;
  TimerWheel wheel_{&context_, &clock_};
};

TEST_F(TimerWheelTest, NeverEarlyAndAtMostATickLate) {
  // Up to several turns of the wheel, which is 10.24 s.
  for (const int delay_ms : {0, 1, 9, 10, 11, 999, 10'239, 10'240, 10'241, 35'000, 100'000}) {
    int expired = 0;
    TestTimer timer([&] { ++expired; });
    const absl::Duration start = clock_.Monotonic() - absl::Seconds(1000);
    wheel_.Arm(&timer, absl::Milliseconds(delay_ms));
    for (int ms = 0; ms < delay_ms; ms += 7) AdvanceTo(start + absl::Milliseconds(ms));
    EXPECT_EQ(expired, 0) << delay_ms;
    AdvanceTo(start + absl::Milliseconds(delay_ms + TimerWheel::kTickMillis));
    EXPECT_EQ(expired, 1) << delay_ms;
    AdvanceTo(start + absl::Hours(1));
    EXPECT_EQ(expired, 1) << delay_ms;
  }
}

TEST_F(TimerWheelTest, ALongPauseExpiresEverythingOnce) {
  std::vector<std::unique_ptr<TestTimer>> timers;
  int expired = 0;
  for (int i = 0; i < 3000; ++i) {
    timers.push_back(std::make_unique<TestTimer>([&] { ++expired; }));
    wheel_.Arm(timers.back().get(), absl::Milliseconds(i * 17));
  }
  AdvanceTo(absl::Hours(5));
  EXPECT_EQ(expired, 3000);
  for (const auto& timer : timers) EXPECT_FALSE(timer->armed());
}

TEST_F(TimerWheelTest, MovedDisarmedAndDestroyedTimersDoNotExpire) {
  int expired = 0;
  TestTimer moved([&] { ++expired; });
  TestTimer disarmed([] { FAIL(); });
  {
    TestTimer destroyed([] { FAIL(); });
    wheel_.Arm(&destroyed, absl::Milliseconds(10));
  }
  wheel_.Arm(&disarmed, absl::Milliseconds(10));
  disarmed.Disarm();
  wheel_.Arm(&moved, absl::Milliseconds(10));
  wheel_.Arm(&moved, absl::Seconds(1));
  AdvanceTo(absl::Milliseconds(500));
  EXPECT_EQ(expired, 0);
  AdvanceTo(absl::Seconds(2));
  EXPECT_EQ(expired, 1);
}

TEST_F(TimerWheelTest, AnExpiringTimerMayTouchAnyOther) {
  int expired = 0;
  auto second = std::make_unique<TestTimer>([] { FAIL(); });
  TestTimer third([] { FAIL(); });
  TestTimer first([&] {
    ++expired;
    second.reset();
    third.Disarm();
    wheel_.Arm(&first, absl::Seconds(1));
  });
  wheel_.Arm(&first, absl::Milliseconds(10));
  wheel_.Arm(second.get(), absl::Milliseconds(10));
  wheel_.Arm(&third, absl::Milliseconds(10));
  AdvanceTo(absl::Milliseconds(100));
  EXPECT_EQ(expired, 1);
  EXPECT_TRUE(first.armed());
  first.Disarm();
}

TEST_F(TimerWheelTest, WakesByItself) {
  TimerWheel wheel(&context_, SystemClock());
  std::vector<int> order;
  TestTimer late([&] { order.push_back(2); });
  TestTimer soon([&] { order.push_back(1); });
  wheel.Arm(&late, absl::Milliseconds(60));
  wheel.Arm(&soon, absl::Milliseconds(20));
  while (late.armed()) context_.run_one();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace latchwire
