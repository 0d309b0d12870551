// Matching events to webhooks and appending them: the way in that publishers and agents share.
#pragma once

#include "absl/functional/any_invocable.h"
#include "server/api/world.h"
#include "server/store/mutation.h"

namespace latchwire {

// How often events are matched anew because webhooks changed between matching and commit.
inline constexpr int kMaxRematches = 20;

// When a delivery of `event` to `webhook` expires: the event's own expire_time, which our callers
// vouch for, or its age. Ages count from receive_time; one that lies in the future of `now` or
// before Latchwire existed comes from a clock that was never set, and then `now` counts.
absl::Time ExpiryOf(const Event& event, const Webhook& webhook, absl::Time now);

// Sets generation and every event's targets, all by one look into the catalogue.
void MatchTargets(const Catalog& catalog, AppendEvents* append);

bool IsStale(const absl::Status& status);  // STALE_GENERATION

// Matches and submits; again when the webhooks changed meanwhile. `done` gets the result, which is
// never stale.
void Append(const ApiWorld& world, AppendEvents append,
            absl::AnyInvocable<void(AppendEvents)> done);

}  // namespace latchwire
