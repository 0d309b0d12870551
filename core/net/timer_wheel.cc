#include "core/net/timer_wheel.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace latchwire {

TimerWheel::TimerWheel(boost::asio::io_context* context, const Clock* clock)
    : clock_(clock),
      sleep_(*context),
      done_tick_(absl::ToInt64Milliseconds(clock->Monotonic()) / kTickMillis) {}

void TimerWheel::ArmAt(Timer* timer, absl::Duration monotonic) {
  timer->Disarm();
  monotonic = std::min(monotonic, absl::Hours(24 * 365 * 200));  // clear of overflow
  const int64_t tick = absl::ToInt64Milliseconds(monotonic) / kTickMillis + 1;
  timer->tick_ = std::max(tick, done_tick_ + 1);
  LATCHWIRE_DCHECK(timer->tick_ > done_tick_ && !timer->armed());
  SlotOf(timer->tick_).push_back(*timer);
  if (advancing_) return;  // it looks for the next wake-up itself
  if (wake_tick_ < 0 || timer->tick_ < wake_tick_) Sleep(timer->tick_);
}

void TimerWheel::Sleep(int64_t until_tick) {
  // A slot of the next turn of the wheel is looked at a turn too early, which only costs a wake-up.
  wake_tick_ = std::min(until_tick, done_tick_ + kSlots);
  const absl::Duration wake = absl::Milliseconds(wake_tick_ * kTickMillis);
  sleep_.expires_after(absl::ToChronoNanoseconds(wake - clock_->Monotonic()));
  sleep_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](const auto& error) {
    if (!error && !alive.expired()) Advance();
  });
}

void TimerWheel::Advance() {
  LATCHWIRE_CHECK(!advancing_, "a timer advanced the wheel that it expires on");
  wake_tick_ = -1;
  advancing_ = true;
  const int64_t now_tick = absl::ToInt64Milliseconds(clock_->Monotonic()) / kTickMillis;
  Slot expired;
  // After a pause longer than a turn each slot still needs only one look.
  const int64_t first = std::max(done_tick_ + 1, now_tick - kSlots + 1);
  for (int64_t tick = first; tick <= now_tick; ++tick) {
    Slot& slot = SlotOf(tick);
    for (auto it = slot.begin(); it != slot.end();) {
      Timer& timer = *it++;
      if (timer.tick_ > now_tick) continue;
      timer.Disarm();
      expired.push_back(timer);
    }
  }
  done_tick_ = std::max(done_tick_, now_tick);
  while (!expired.empty()) {
    Timer& timer = expired.front();
    timer.Disarm();
    timer.OnExpire();
  }
  advancing_ = false;
  for (int64_t tick = done_tick_ + 1; tick <= done_tick_ + kSlots; ++tick) {
    if (!SlotOf(tick).empty()) return Sleep(tick);
  }
}

}  // namespace latchwire
