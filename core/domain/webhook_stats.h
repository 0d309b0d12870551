// What the store counts of a webhook, and what the engine makes of it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "core/domain/webhook.h"

namespace latchwire {

// Exact: moved in the transaction that moves the deliveries. The totals count from the webhook's
// creation.
struct WebhookStats {
  WebhookKey key;
  int64_t pending = 0;  // now
  int64_t succeeded = 0;
  int64_t dead = 0;
  int64_t expired = 0;
  int64_t dropped = 0;
  // Failed attempts since the last success, or since the user last set the state to ACTIVE.
  int64_t consecutive_failures = 0;
  absl::Time failing_since = absl::InfinitePast();  // the first of them; InfinitePast: none
  absl::Time last_failure_time = absl::InfinitePast();
  std::string last_failure;  // its error, such as TIMEOUT, or its status, such as 503
  absl::Time last_success_time = absl::InfinitePast();

  friend bool operator==(const WebhookStats&, const WebhookStats&) = default;
};

enum class BreakerState { kClosed, kOpen, kHalfOpen };

// Lives in the memory of the server that owns the webhook: after a restart a webhook that was
// failing starts half open.
struct BreakerStatus {
  BreakerState state = BreakerState::kClosed;
  absl::Time since = absl::InfinitePast();
  absl::Time open_until = absl::InfinitePast();  // kOpen: when the next probe may leave

  friend bool operator==(const BreakerStatus&, const BreakerStatus&) = default;
};

}  // namespace latchwire
