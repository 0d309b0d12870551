// From events to the deliveries that they become: for whoever appends.
#pragma once

#include "absl/time/time.h"
#include "server/state/configuration.h"
#include "server/store/mutations/append.h"

namespace latchwire {

// Returns when a delivery of `event` to `webhook` expires: at the event's own expire_time, which
// callers vouch for, or when its age, counted from TrustedReceiveTime, exceeds the webhook's
// max_event_age.
absl::Time ExpiryOf(const Event& event, const Webhook& webhook, absl::Time now);

// Sets generation, max_stored_bytes and every event's targets, all by one look into the
// configuration. An event's targets are the webhooks whose matches it fits and whose format accepts
// it.
void MatchTargets(const Configuration& configuration, MatchedEvents* append);

}  // namespace latchwire
