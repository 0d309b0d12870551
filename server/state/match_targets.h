// From events to the deliveries that they become: for whoever appends.
#pragma once

#include "absl/time/time.h"
#include "server/state/configuration.h"
#include "server/store/mutation.h"

namespace latchwire {

// When a delivery of `event` to `webhook` expires: the event's own expire_time, which our callers
// vouch for, or its age. Ages count from receive_time; one that lies in the future of `now` or
// before Latchwire existed comes from a clock that was never set, and then `now` counts.
absl::Time ExpiryOf(const Event& event, const Webhook& webhook, absl::Time now);

// Sets generation, max_stored_bytes and every event's targets, all by one look into the
// configuration.
void MatchTargets(const Configuration& configuration, AppendEvents* append);

}  // namespace latchwire
