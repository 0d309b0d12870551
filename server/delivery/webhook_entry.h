// The engine's state of one webhook: its queue, and the limits of its attempts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/delivery/circuit_breaker.h"
#include "core/delivery/crowding.h"
#include "core/delivery/rate_limiter.h"
#include "core/delivery/webhook_queue.h"
#include "core/domain/webhook.h"
#include "server/delivery/attempt_line.h"
#include "server/delivery/timer_line.h"

namespace latchwire {

// When a webhook can act next, by its queue, its breaker and its rate. InfinitePast: at once;
// InfiniteFuture: not until something changes.
struct NextWork {
  absl::Time attempt;
  absl::Time load;
  bool rate_waits = false;  // a delivery is ready, and waits for the rate or the breaker alone
};

// Belongs to the executor's thread. Each part of the engine has its own members in here, which no
// other part changes, so that an attempt costs one look-up instead of one per part.
struct WebhookEntry {
  // `failures`: consecutive failures from before. `webhook` and `queue` are not null.
  WebhookEntry(std::shared_ptr<const Webhook> webhook, std::unique_ptr<WebhookQueue> queue,
               int64_t failures);

  const WebhookKey key;
  std::shared_ptr<const Webhook> webhook;  // as it is now; null once it is deleted
  const std::unique_ptr<WebhookQueue> queue;
  CircuitBreaker breaker;
  RateLimiter rate;
  bool suspect = false;  // its last attempt failed: see FairShare

  AttemptLine::Place attempts;
  TimerLine::Slot timer;
  bool waits_for_load = false;  // the loader's
  struct Account {              // the webhook table's
    Crowding crowding;
    size_t ready_bytes = 0;
    int64_t displaced = 0;
    bool rate_waits = false;
  } account;

  // The attempts that may be in flight at once. Not for deleted webhooks, like all below.
  size_t MaxInFlight() const;
  // When breaker and rate let its next attempt start; InfinitePast: at once; InfiniteFuture: when
  // the probe in flight has ended.
  absl::Time GateTime(const Clock& clock) const;
  // Whether the breaker is not open.
  NextWork Next(const Clock& clock) const;
  // Whether an attempt can start now: there is a delivery to take, and neither breaker nor rate nor
  // max_in_flight hold it back.
  bool CanStart(const Clock& clock) const;
};

}  // namespace latchwire
