// Stops sending to a failing receiver, and finds out with one probe at a time whether it is back.
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
  // Issued to an attempt when it starts; returned when it ends.
  struct Ticket {
    int64_t era = 0;
    bool probe = false;
  };

  // `failures`: consecutive failures from before a restart. At the threshold it starts half open.
  explicit CircuitBreaker(const CircuitBreakerPolicy& policy = {}, int64_t failures = 0);

  BreakerState state() const { return state_; }
  // When an open breaker becomes half open. Only while it is open.
  absl::Duration open_until() const { return open_until_; }
  // When the next attempt may start in the current state. -InfiniteDuration: at once;
  // InfiniteDuration: when the probe in flight has ended.
  absl::Duration NextStart() const;

  // Advance, Succeed, Fail and Close return whether they changed the state.

  // Makes an open breaker half open once its open time has passed.
  bool Advance(absl::Duration now);
  // Starts an attempt: a probe if the breaker is half open. Requires that NextStart has come and
  // the breaker is not open.
  Ticket Start();
  // The attempt was not sent after all: nothing is known about the receiver.
  void Cancel(const Ticket& ticket);
  // Any success closes, also that of an attempt from before the breaker opened: the receiver works.
  bool Succeed();
  // Counts a failure. The one that reaches the policy's threshold opens the breaker for open_time;
  // a failed probe opens it for twice as long as the last time, up to max_open_time. Failures of
  // attempts from before the last change of state are ignored: they were in flight when the breaker
  // opened, or went to a receiver that the user has corrected since.
  bool Fail(const Ticket& ticket, const CircuitBreakerPolicy& policy, absl::Duration now);
  // Closes the breaker and forgets all failures.
  bool Close();

 private:
  void Open(absl::Duration duration, absl::Duration now);

  BreakerState state_ = BreakerState::kClosed;
  int64_t era_ = 0;          // counts the changes between closed and not
  int64_t failures_ = 0;     // consecutive
  bool probing_ = false;     // a probe is in flight; only while half open
  absl::Duration open_for_;  // the last time; zero: not yet since it closed
  absl::Duration open_until_;
};

}  // namespace latchwire
