// Stops calling a receiver that fails, and finds out with one call at a time whether it is back.
//
// A pure state machine over monotonic time (absl::Duration since any start).
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"

namespace latchwire {

class CircuitBreaker {
 public:
  // Given to an attempt when it starts, and back with its end.
  struct Ticket {
    int64_t era = 0;
    bool probe = false;
  };

  // `failures`: in a row, from before; as many as the threshold start it half open.
  explicit CircuitBreaker(const CircuitBreakerPolicy& policy = {}, int64_t failures = 0);

  BreakerState state() const { return state_; }
  // kOpen: when it will be half open.
  absl::Duration open_until() const { return open_until_; }
  // From when on an attempt may start, as things are: -InfiniteDuration at once, InfiniteDuration
  // while a probe is under way.
  absl::Duration NextStart() const;

  // All that change the state say whether they did.

  // Open becomes half open when its time is over.
  bool Advance(absl::Duration now);
  // NextStart() has come.
  Ticket Start();
  // It was not sent after all: nothing is known.
  void Cancel(const Ticket& ticket);
  // Any success closes: also one of an attempt from before it opened shows that the receiver works.
  bool Succeed();
  // A failed probe opens for twice as long as the last time. Attempts from before the last change
  // of the state change nothing: they were under way when it opened, or went to what the user has
  // corrected since.
  bool Fail(const Ticket& ticket, const CircuitBreakerPolicy& policy, absl::Duration now);
  // Forgets all failures.
  bool Close();

 private:
  void Open(absl::Duration duration, absl::Duration now);

  BreakerState state_ = BreakerState::kClosed;
  int64_t era_ = 0;  // counts the changes between closed and not
  int64_t failures_ = 0;
  bool probing_ = false;
  absl::Duration open_for_;  // the last time; zero: not yet
  absl::Duration open_until_;
};

}  // namespace latchwire
