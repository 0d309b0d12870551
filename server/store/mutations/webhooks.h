// Changes of webhooks. Each moves the tenant's generation on by one.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"
#include "server/store/mutations/append.h"

namespace latchwire {

// The store gives key.uid from the tenant's counter (key.tenant is set), and revision 1. Fails with
// WEBHOOK_ALREADY_EXISTS if the tenant has one with this id; with QUOTA_EXCEEDED (metadata `quota`,
// `limit`) if it has max_webhooks.
struct CreateWebhook {
  Webhook webhook;
  int64_t max_webhooks = 0;  // the tenant's quota; 0: none

  struct Result {
    std::shared_ptr<const Webhook> webhook;  // as it is stored
    int64_t generation = 0;                  // of the tenant, now
  };
};

// Replaces the webhook if its revision is still webhook.revision, and counts that up. Its id, its
// ordering and its guarantee stay what they are. When its state becomes kActive from another, its
// consecutive failures start anew. Fails with ETAG_MISMATCH, with WEBHOOK_NOT_FOUND.
struct UpdateWebhook {
  Webhook webhook;
  // Events about this change, as in RecordOutcomes: none or one entry.
  std::vector<MatchedEvents> operational = {};

  struct Result {
    std::shared_ptr<const Webhook> webhook;  // as it is stored
    int64_t generation = 0;
    std::vector<absl::StatusOr<AppendResult>> operational;  // one for each entry; without stats
    std::vector<WebhookStats> stats;
  };
};

// Its pending deliveries are never loaded again, and PurgeDeleted deletes its rows in small steps.
// Fails with ETAG_MISMATCH, with WEBHOOK_NOT_FOUND.
struct DeleteWebhook {
  WebhookKey key;
  int64_t revision = 0;  // 0: whatever it is

  struct Result {
    int64_t generation = 0;
  };
};

// Deletes rows of deleted webhooks.
struct PurgeDeleted {
  int limit = 1000;  // rows

  struct Result {
    bool more = false;  // there is more to do now
  };
};

}  // namespace latchwire
