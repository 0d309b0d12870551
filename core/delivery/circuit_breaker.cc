#include "core/delivery/circuit_breaker.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace latchwire {

CircuitBreaker::CircuitBreaker(const CircuitBreakerPolicy& policy, int64_t failures) {
  failures_ = failures;
  if (policy.failure_threshold > 0 && failures >= policy.failure_threshold) {
    state_ = BreakerState::kHalfOpen;
  }
}

absl::Duration CircuitBreaker::NextStart() const {
  switch (state_) {
    case BreakerState::kClosed:
      break;
    case BreakerState::kOpen:
      return open_until_;
    case BreakerState::kHalfOpen:
      if (probing_) return absl::InfiniteDuration();
  }
  return -absl::InfiniteDuration();
}

bool CircuitBreaker::Advance(absl::Duration now) {
  if (state_ != BreakerState::kOpen || now < open_until_) return false;
  state_ = BreakerState::kHalfOpen;
  probing_ = false;
  return true;
}

CircuitBreaker::Ticket CircuitBreaker::Start() {
  LATCHWIRE_CHECK(state_ != BreakerState::kOpen, "the breaker is open");
  LATCHWIRE_CHECK(!probing_, "one probe at a time");
  probing_ = state_ == BreakerState::kHalfOpen;
  return {era_, probing_};
}

void CircuitBreaker::Cancel(const Ticket& ticket) {
  if (ticket.probe && ticket.era == era_) probing_ = false;
}

bool CircuitBreaker::Succeed() {
  failures_ = 0;
  return state_ != BreakerState::kClosed && Close();
}

bool CircuitBreaker::Fail(const Ticket& ticket, const CircuitBreakerPolicy& policy,
                          absl::Duration now) {
  if (ticket.era != era_) return false;
  if (policy.failure_threshold <= 0) return Close();
  if (state_ == BreakerState::kClosed) {
    if (++failures_ < policy.failure_threshold) return false;
    Open(policy.open_time, now);
    return true;
  }
  if (!ticket.probe || state_ != BreakerState::kHalfOpen) return false;
  const absl::Duration longest = std::max(policy.open_time, policy.max_open_time);
  Open(open_for_ == absl::ZeroDuration() ? policy.open_time : std::min(2 * open_for_, longest),
       now);
  return true;
}

bool CircuitBreaker::Close() {
  failures_ = 0;
  probing_ = false;
  open_for_ = absl::ZeroDuration();
  ++era_;
  return std::exchange(state_, BreakerState::kClosed) != BreakerState::kClosed;
}

void CircuitBreaker::Open(absl::Duration duration, absl::Duration now) {
  state_ = BreakerState::kOpen;
  probing_ = false;
  open_for_ = duration;
  open_until_ = now + duration;
  ++era_;
}

}  // namespace latchwire
