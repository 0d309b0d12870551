// What outcomes, retries and recovery make of a delivery and of its webhook's counters. For drivers
// only.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/webhook_stats.h"
#include "server/store/mutations/outcomes.h"

namespace latchwire {

// A delivery was stored in this state.
void CountNew(DeliveryState state, WebhookStats* stats);
// A stored one went from one state to another; nothing if that is the same. Totals only ever grow:
// one that is dead, retried and dead again counts twice.
void CountMove(DeliveryState from, DeliveryState to, WebhookStats* stats);
void CountAttempt(const Attempt& attempt, bool succeeded, WebhookStats* stats);

// FENCED unless `current`, the fence of the webhook's partition, is the outcome's. 0: no lease.
absl::Status CheckFence(const DeliveryOutcome& outcome, int64_t current);

// Applies `outcome` to `delivery` as it is stored. True if it counts for the state (CountMove from
// the state before): an outcome that comes late changes nothing but the attempts.
bool ApplyOutcome(const DeliveryOutcome& outcome, Delivery* delivery);

// DELIVERY_STATE if it has succeeded.
absl::Status CheckRetry(const Delivery& delivery);
// Makes it pending and due at `now`, as a retry by hand and a recovery job do.
void MakePendingAgain(absl::Time now, Delivery* delivery);

}  // namespace latchwire
