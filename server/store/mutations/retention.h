// Deleting what is older than its tenant keeps.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "core/domain/tenant.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"

namespace latchwire {

// Deletes events with their deliveries and attempts, in the order of their numbers. An event's age
// is counted from the minute of its commit. An event with pending deliveries is passed over and
// looked at again later; once it is past `held_before` they become kExpired and it goes.
// Fails with TENANT_NOT_FOUND.
struct DeleteOldEvents {
  TenantId tenant = 0;
  absl::Time stored_before;
  absl::Time held_before;  // at or before stored_before
  int limit = 500;         // events; at least 2 are looked at

  struct Result {
    bool more = false;  // there is more to do now
    int64_t deleted_events = 0;
    int64_t held_events = 0;  // now, that are past stored_before
    int64_t expired_deliveries = 0;
    std::vector<WebhookKey> webhooks;  // whose pending deliveries expired, each once
    std::vector<WebhookStats> stats;
    int64_t stored_bytes = 0;  // by the tenant, now
    int64_t stored_events = 0;
  };
};

}  // namespace latchwire
