// Matching events to webhooks and appending them: the way in that publishers and agents share.
#pragma once

#include <cstddef>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/api/world.h"
#include "server/state/match_targets.h"

namespace latchwire {

// How often events are matched anew because webhooks changed between matching and commit.
inline constexpr int kMaxRematches = 20;

bool IsStale(const absl::Status& status);  // STALE_GENERATION

// How many events of an append became none in the store: all when it failed, else those that were
// there already.
size_t CountNotStored(const MatchedEvents& append, const AppendResult* result);
template <typename Result>
size_t CountNotStored(const MatchedEvents& append, const absl::StatusOr<Result>& result) {
  return CountNotStored(append, result.ok() ? &*result : nullptr);
}

// For publishers: takes from the tenant's quota (QUOTA_EXCEEDED), matches and submits; again when
// the webhooks changed meanwhile. The result is never stale.
void Append(const ApiWorld& world, AppendPublished append,
            absl::AnyInvocable<void(Written<AppendPublished>)> done);

}  // namespace latchwire
