// What the steps of deliveries do to their webhook's counters, alike in all drivers. For drivers
// only.
#pragma once

#include "core/domain/delivery.h"
#include "core/domain/webhook_stats.h"

namespace latchwire {

// A delivery was stored in this state.
void CountNew(DeliveryState state, WebhookStats* stats);
// A stored one went from one state to another; nothing if that is the same. Totals only ever grow:
// one that is dead, retried and dead again counts twice.
void CountMove(DeliveryState from, DeliveryState to, WebhookStats* stats);
void CountAttempt(const Attempt& attempt, bool succeeded, WebhookStats* stats);

// What the state of a delivery becomes by an outcome that says `next`.
DeliveryState StateAfter(DeliveryState now, DeliveryState next);

}  // namespace latchwire
