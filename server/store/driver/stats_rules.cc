#include "server/store/driver/stats_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/store/driver/driver_rules.h"

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
  if (from == DeliveryState::kPending) --stats->pending;
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

DeliveryState StateAfter(DeliveryState now, DeliveryState next) {
  return now == DeliveryState::kPending || next == DeliveryState::kSucceeded ? next : now;
}

}  // namespace latchwire
