#include "server/store/driver/delivery_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/mutations/leases.h"

namespace latchwire {
namespace {

int64_t& CounterOf(DeliveryState state, WebhookStats* stats) {
  switch (state) {
    case DeliveryState::kSucceeded:
      return stats->succeeded;
    case DeliveryState::kDead:
      return stats->dead;
    case DeliveryState::kExpired:
      return stats->expired;
    case DeliveryState::kDropped:
      return stats->dropped;
    case DeliveryState::kPending:
      break;
  }
  return stats->pending;
}

}  // namespace

void CountNew(DeliveryState state, WebhookStats* stats) { ++CounterOf(state, stats); }

void CountMove(DeliveryState from, DeliveryState to, WebhookStats* stats) {
  if (from == to) return;
  if (from == DeliveryState::kPending) {
    LATCHWIRE_DCHECK(stats->pending > 0, "webhook ", stats->key.uid);
    --stats->pending;
  }
  ++CounterOf(to, stats);
}

void CountAttempt(const Attempt& attempt, bool succeeded, WebhookStats* stats) {
  const absl::Time end =
      ToStoredTime(ToStoredTime(attempt.start_time) + ToStoredDuration(attempt.duration));
  if (succeeded) {
    stats->consecutive_failures = 0;
    stats->failing_since = absl::InfinitePast();
    stats->last_success_time = std::max(stats->last_success_time, end);
    return;
  }
  if (stats->consecutive_failures++ == 0) stats->failing_since = end;
  stats->last_failure_time = std::max(stats->last_failure_time, end);
  stats->last_failure = attempt.error.empty() ? absl::StrCat(attempt.http_status) : attempt.error;
}

absl::Status CheckFence(const DeliveryOutcome& outcome, int64_t current) {
  if (outcome.fence != 0 && outcome.fence == current) return absl::OkStatus();
  return FencedError(PartitionOf(outcome.key.webhook));
}

bool ApplyOutcome(const DeliveryOutcome& outcome, Delivery* delivery) {
  const Attempt& attempt = outcome.attempt;
  if (attempt.number > 0 && attempt.number >= delivery->attempt_count) {
    delivery->attempt_count = attempt.number;
    delivery->last_http_status = attempt.http_status;
    delivery->last_error = attempt.error;
  }
  const DeliveryState before = delivery->state;
  if (before != DeliveryState::kPending && outcome.state != DeliveryState::kSucceeded) return false;
  if (before == DeliveryState::kSucceeded) return false;
  delivery->state = outcome.state;
  delivery->failure_count = outcome.failure_count;
  delivery->due_time =
      outcome.state == DeliveryState::kPending ? ToStoredTime(outcome.due_time) : absl::Time();
  return true;
}

absl::Status CheckRetry(const Delivery& delivery) {
  return delivery.state == DeliveryState::kSucceeded ? DeliveryStateError(delivery.state)
                                                     : absl::OkStatus();
}

void MakePendingAgain(absl::Time now, Delivery* delivery) {
  const absl::Time stored_now = ToStoredTime(now);
  if (delivery->state == DeliveryState::kExpired || delivery->expire_time <= stored_now) {
    delivery->expire_time = absl::InfiniteFuture();
  }
  delivery->state = DeliveryState::kPending;
  delivery->due_time = delivery->retry_time = stored_now;
  delivery->failure_count = 0;
}

}  // namespace latchwire
