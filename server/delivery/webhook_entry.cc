#include "server/delivery/webhook_entry.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace latchwire {

WebhookEntry::WebhookEntry(std::shared_ptr<const Webhook> of, std::unique_ptr<WebhookQueue> waiting,
                           int64_t failures)
    : key(of->key),
      webhook(std::move(of)),
      queue(std::move(waiting)),
      breaker(webhook->circuit_breaker, failures),
      suspect(failures > 0) {}

size_t WebhookEntry::MaxInFlight() const {
  return webhook->guarantee == WebhookGuarantee::kBestEffort
             ? 1
             : static_cast<size_t>(webhook->max_in_flight);
}

absl::Time WebhookEntry::GateTime(const Clock& clock) const {
  const RateLimit& limit = webhook->rate_limit;
  if (breaker.state() == BreakerState::kClosed && limit.attempts_per_s <= 0) {
    return absl::InfinitePast();
  }
  const absl::Duration now = clock.Monotonic();
  const absl::Duration gate = std::max(breaker.NextStart(), rate.NextStart(limit, now));
  return gate <= now ? absl::InfinitePast() : clock.Now() + (gate - now);
}

NextWork WebhookEntry::Next(const Clock& clock) const {
  LATCHWIRE_DCHECK(breaker.state() != BreakerState::kOpen);
  const absl::Time gate = GateTime(clock);
  NextWork next;
  next.attempt = queue->NextReady();
  next.load = queue->NextLoad();
  next.rate_waits = next.attempt != absl::InfiniteFuture() && gate != absl::InfinitePast() &&
                    gate != absl::InfiniteFuture();
  next.attempt = std::max(next.attempt, gate);
  // A half-open breaker needs one delivery at a time, the one that should leave next.
  if (breaker.state() == BreakerState::kHalfOpen && gate == absl::InfiniteFuture()) {
    next.load = absl::InfiniteFuture();
  }
  return next;
}

bool WebhookEntry::CanStart(const Clock& clock) const {
  if (attempts.in_flight >= MaxInFlight()) return false;
  const absl::Time next_ready = queue->NextReady();
  return next_ready != absl::InfiniteFuture() && GateTime(clock) == absl::InfinitePast() &&
         (next_ready == absl::InfinitePast() || next_ready <= clock.Now());
}

}  // namespace latchwire
