// What changes of webhooks and tenants make of what is stored, and who gets a lease. For drivers
// only.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/domain/tenant.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"
#include "server/store/mutations/leases.h"
#include "server/store/mutations/tenants.h"
#include "server/store/mutations/webhooks.h"

namespace latchwire {

// QUOTA_EXCEEDED if the tenant, which has `count` webhooks, may have no more.
absl::Status CheckWebhookQuota(const CreateWebhook& create, int64_t count);
// As it is to be stored.
Webhook NewWebhook(const CreateWebhook& create, int64_t uid);
// `stored`, changed as asked: ETAG_MISMATCH.
absl::StatusOr<Webhook> ChangedWebhook(const UpdateWebhook& update, const Webhook& stored);
// Whether the webhook's consecutive failures start anew with this change; and that.
bool StartsAnew(const Webhook& before, const Webhook& after);
void ClearFailures(WebhookStats* stats);
absl::Status CheckDelete(const DeleteWebhook& del, const Webhook& stored);  // ETAG_MISMATCH

// As they are to be stored.
TenantSettings ToStored(TenantSettings settings);
// ETAG_MISMATCH if the tenant, which has `revision`, was changed meanwhile.
absl::Status CheckRevision(const UpdateTenant& update, int64_t revision);

// What is known of a partition.
struct Lease {
  std::string owner;  // empty: free
  int64_t fence = 0;
  absl::Time expire_time = absl::InfinitePast();
};
// Gives `lease` to the one who asks, if it may have it; true if it has it now.
bool Grant(const AcquireLeases& acquire, Lease* lease);

}  // namespace latchwire
