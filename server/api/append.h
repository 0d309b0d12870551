// Matching events to webhooks and appending them: the way in that publishers and agents share.
#pragma once

#include "absl/functional/any_invocable.h"
#include "server/api/world.h"
#include "server/state/match_targets.h"
#include "server/store/mutation.h"

namespace latchwire {

// How often events are matched anew because webhooks changed between matching and commit.
inline constexpr int kMaxRematches = 20;

bool IsStale(const absl::Status& status);  // STALE_GENERATION

// How many of its events became none in the store: all when it failed, else those that were there.
size_t NotStored(const AppendEvents& append);

// For publishers: takes from the tenant's quota (QUOTA_EXCEEDED), matches and submits; again when
// the webhooks changed meanwhile. `done` gets the result, which is never stale.
void Append(const ApiWorld& world, AppendEvents append,
            absl::AnyInvocable<void(AppendEvents)> done);

}  // namespace latchwire
