// Counters of a webhook, kept by the store, and the state of its circuit breaker.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "core/domain/webhook.h"

namespace latchwire {

// Exact, because they change in the same transaction as the deliveries. The totals count from the
// webhook's creation.
struct WebhookStats {
  WebhookKey key;
  int64_t pending = 0;  // now
  int64_t succeeded = 0;
  int64_t dead = 0;
  int64_t expired = 0;
  int64_t dropped = 0;
  // Failed attempts since the last success, or since the user last set the state to ACTIVE.
  int64_t consecutive_failures = 0;
  absl::Time failing_since = absl::InfinitePast();  // time of the first of them; InfinitePast: none
  absl::Time last_failure_time = absl::InfinitePast();
  std::string last_failure;  // an error such as TIMEOUT, or a status such as 503
  absl::Time last_success_time = absl::InfinitePast();

  friend bool operator==(const WebhookStats&, const WebhookStats&) = default;
};

enum class BreakerState { kClosed, kOpen, kHalfOpen };

// Kept only in the memory of the server that owns the webhook. After a restart a webhook that was
// failing starts half open.
struct BreakerStatus {
  BreakerState state = BreakerState::kClosed;
  absl::Time since = absl::InfinitePast();
  absl::Time open_until = absl::InfinitePast();  // kOpen: when the next probe may leave

  friend bool operator==(const BreakerStatus&, const BreakerStatus&) = default;
};

}  // namespace latchwire
