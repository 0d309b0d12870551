// Runs many coarse time-outs on one timer.
//
// Nearly every time-out is cancelled before it expires, so arming and cancelling cost a few pointer
// writes and expiring may be up to a tick late. Belongs to the loop's thread, with all its timers.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "core/base/clock.h"

namespace latchwire {

class TimerWheel {
 public:
  static constexpr int64_t kTickMillis = 10;

  // Disarms itself when destroyed.
  class Timer : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    virtual ~Timer() = default;
    void Disarm() { unlink(); }
    bool armed() const { return is_linked(); }

   protected:
    // Called once the timer is disarmed; may arm, disarm or destroy any timer.
    virtual void OnExpire() = 0;

   private:
    friend class TimerWheel;
    int64_t tick_ = 0;
  };

  TimerWheel(boost::asio::io_context* context, const Clock* clock);

  // Expires the timer after the delay, never early and at most about one tick late. An armed timer
  // is moved.
  void Arm(Timer* timer, absl::Duration delay) { ArmAt(timer, clock_->Monotonic() + delay); }
  void ArmAt(Timer* timer, absl::Duration monotonic);
  // Expires all timers that are due. The wheel calls it itself; tests in simulated time do so too.
  void Advance();

 private:
  using Slot = boost::intrusive::list<Timer, boost::intrusive::constant_time_size<false>>;
  static constexpr int64_t kSlots = 1024;

  Slot& SlotOf(int64_t tick) { return slots_[static_cast<size_t>(tick % kSlots)]; }
  void Sleep(int64_t until_tick);

  const Clock* const clock_;
  boost::asio::steady_timer sleep_;
  std::array<Slot, kSlots> slots_;
  int64_t done_tick_;       // all timers up to this one have expired
  int64_t wake_tick_ = -1;  // when the sleep ends, -1 when not asleep
  bool advancing_ = false;
  // A sleep that has ended may still be queued on the loop when the wheel goes.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>();
};

}  // namespace latchwire
