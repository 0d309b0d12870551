// What becomes of deliveries: attempts, retries by hand, expiry.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/webhook_stats.h"
#include "server/store/mutations/append.h"

namespace latchwire {

// One ended attempt, or an end without one (expiry: attempt.number is 0).
struct DeliveryOutcome {
  DeliveryKey key;
  DeliveryState state = DeliveryState::kPending;
  absl::Time due_time;    // of the next attempt, if the state is kPending
  int failure_count = 0;  // of the delivery, after this attempt
  Attempt attempt;
  int64_t fence = 0;  // of the lease on PartitionOf(key.webhook) under which it was attempted
};

// Records attempts and what they mean. Only a pending delivery is made pending again by an outcome:
// one that was dropped, expired or killed meanwhile stays so unless the attempt succeeded, and
// success is final. The webhook's counters follow: a success sets consecutive_failures to 0, a
// failed attempt (number > 0) adds one.
//
// Every outcome checks its fence: if any partition has another lease by now, the whole mutation
// fails with FENCED and nothing is recorded; the new owner attempts those deliveries again.
struct RecordOutcomes {
  std::vector<DeliveryOutcome> outcomes;
  // Events about these outcomes, at most one entry per tenant, stored in the same transaction. A
  // stale generation in any fails the whole with STALE_GENERATION; one that fails for another reason
  // is left out, and its result says why.
  std::vector<MatchedEvents> operational = {};

  enum class Recorded {
    kRecorded,
    kGone,  // the delivery or its webhook was deleted meanwhile
  };
  struct Result {
    std::vector<Recorded> outcomes;                         // one for each outcome of the input
    std::vector<absl::StatusOr<AppendResult>> operational;  // one for each entry; without stats
    std::vector<WebhookStats> stats;
  };
};

// Makes a dead, dropped, expired or pending delivery due at `now`. Its failure_count starts anew,
// retry_time becomes `now`, and an expired one loses its expiry. Not bound by max_pending: the user
// asked for it. Fails with DELIVERY_STATE if it has succeeded, with DELIVERY_NOT_FOUND.
struct RetryDelivery {
  DeliveryKey key;
  absl::Time now;

  struct Result {
    Delivery delivery;  // as it is now
    std::vector<WebhookStats> stats;
  };
};

// Makes pending deliveries kExpired whose expire_time is at or before `now`, the earliest first.
struct ExpireDeliveries {
  absl::Time now;
  int limit = 500;  // deliveries

  struct Result {
    bool more = false;  // there is more to do now
    int64_t expired_deliveries = 0;
    std::vector<WebhookKey> webhooks;  // whose deliveries expired, each once
    std::vector<WebhookStats> stats;
  };
};

}  // namespace latchwire
