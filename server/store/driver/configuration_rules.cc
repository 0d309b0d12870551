#include "server/store/driver/configuration_rules.h"

#include <utility>

#include "core/base/check.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"

namespace latchwire {
namespace {

Webhook ToStored(Webhook webhook) {
  webhook.create_time = ToStoredTime(webhook.create_time);
  webhook.update_time = ToStoredTime(webhook.update_time);
  webhook.state_time = ToStoredTime(webhook.state_time);
  for (WebhookSecret& secret : webhook.secrets) {
    secret.create_time = ToStoredTime(secret.create_time);
    secret.expire_time = ToStoredTime(secret.expire_time);
  }
  webhook.timeout = ToStoredDuration(webhook.timeout);
  webhook.max_event_age = ToStoredDuration(webhook.max_event_age);
  RetryPolicy& retry = webhook.retry_policy;
  for (absl::Duration& delay : retry.delays) delay = ToStoredDuration(delay);
  retry.total_window = ToStoredDuration(retry.total_window);
  if (retry.exponential.has_value()) {
    retry.exponential->first_delay = ToStoredDuration(retry.exponential->first_delay);
    retry.exponential->max_delay = ToStoredDuration(retry.exponential->max_delay);
  }
  CircuitBreakerPolicy& breaker = webhook.circuit_breaker;
  breaker.open_time = ToStoredDuration(breaker.open_time);
  breaker.max_open_time = ToStoredDuration(breaker.max_open_time);
  webhook.auto_suspend.failure_span = ToStoredDuration(webhook.auto_suspend.failure_span);
  return webhook;
}

}  // namespace

absl::Status CheckWebhookQuota(const CreateWebhook& create, int64_t count) {
  if (create.max_webhooks <= 0 || count < create.max_webhooks) return absl::OkStatus();
  return QuotaExceededError("max_webhooks", create.max_webhooks, absl::ZeroDuration());
}

Webhook NewWebhook(const CreateWebhook& create, int64_t uid) {
  Webhook webhook = ToStored(create.webhook);
  webhook.key.uid = uid;
  webhook.revision = 1;
  return webhook;
}

absl::StatusOr<Webhook> ChangedWebhook(const UpdateWebhook& update, const Webhook& stored) {
  LATCHWIRE_DCHECK(update.webhook.key == stored.key);
  if (update.webhook.revision != stored.revision) return EtagMismatchError(stored.revision);
  Webhook changed = ToStored(update.webhook);
  changed.id = stored.id;
  changed.ordering = stored.ordering;
  changed.guarantee = stored.guarantee;
  changed.revision = stored.revision + 1;
  return changed;
}

bool StartsAnew(const Webhook& before, const Webhook& after) {
  return after.state == WebhookState::kActive && before.state != WebhookState::kActive;
}

void ClearFailures(WebhookStats* stats) {
  stats->consecutive_failures = 0;
  stats->failing_since = absl::InfinitePast();
}

absl::Status CheckDelete(const DeleteWebhook& del, const Webhook& stored) {
  if (del.revision == 0 || del.revision == stored.revision) return absl::OkStatus();
  return EtagMismatchError(stored.revision);
}

TenantSettings ToStored(TenantSettings settings) {
  settings.event_retention = ToStoredDuration(settings.event_retention);
  settings.max_held_time = ToStoredDuration(settings.max_held_time);
  return settings;
}

absl::Status CheckRevision(const UpdateTenant& update, int64_t revision) {
  if (update.revision == 0 || update.revision == revision) return absl::OkStatus();
  return TenantEtagMismatchError(revision);
}

bool Grant(const AcquireLeases& acquire, Lease* lease) {
  LATCHWIRE_CHECK(!acquire.owner.empty());
  if (lease->owner != acquire.owner) {
    if (!lease->owner.empty() && lease->expire_time > acquire.now) return false;
    lease->owner = acquire.owner;
    ++lease->fence;
  }
  lease->expire_time = ToStoredTime(acquire.now + acquire.duration);
  LATCHWIRE_CHECK(lease->fence > 0, "a lease that is held has a fence");
  return true;
}

}  // namespace latchwire
