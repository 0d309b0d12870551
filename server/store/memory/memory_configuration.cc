// Webhooks, API keys and leases.
#include "absl/algorithm/container.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {
namespace {

void NormalizeTimes(Webhook* webhook) {
  webhook->create_time = ToStoredTime(webhook->create_time);
  webhook->update_time = ToStoredTime(webhook->update_time);
  webhook->state_time = ToStoredTime(webhook->state_time);
  webhook->timeout = ToStoredDuration(webhook->timeout);
  webhook->max_event_age = ToStoredDuration(webhook->max_event_age);
  RetryPolicy& retry = webhook->retry_policy;
  for (absl::Duration& delay : retry.delays) delay = ToStoredDuration(delay);
  retry.total_window = ToStoredDuration(retry.total_window);
  if (retry.exponential.has_value()) {
    retry.exponential->first_delay = ToStoredDuration(retry.exponential->first_delay);
    retry.exponential->max_delay = ToStoredDuration(retry.exponential->max_delay);
  }
  CircuitBreakerPolicy& breaker = webhook->circuit_breaker;
  breaker.open_time = ToStoredDuration(breaker.open_time);
  breaker.max_open_time = ToStoredDuration(breaker.max_open_time);
  webhook->auto_suspend.failure_span = ToStoredDuration(webhook->auto_suspend.failure_span);
}

}  // namespace

void Tables::Apply(CreateWebhook& create) {
  const TenantId tenant = create.webhook.key.tenant;
  for (const auto& [key, webhook] : webhooks) {
    if (key.tenant == tenant && webhook.id == create.webhook.id) {
      create.status = WebhookExistsError(create.webhook.id);
      return;
    }
  }
  const int64_t count =
      absl::c_count_if(webhooks, [&](const auto& entry) { return entry.first.tenant == tenant; });
  if (create.max_webhooks > 0 && count >= create.max_webhooks) {
    create.status = QuotaExceededError("max_webhooks", create.max_webhooks, absl::ZeroDuration());
    return;
  }
  TenantRow& row = tenants[tenant];
  create.webhook.key.uid = row.next_uid++;
  create.webhook.revision = 1;
  create.generation = ++row.generation;
  NormalizeTimes(&create.webhook);
  webhooks[create.webhook.key] = create.webhook;
}

void Tables::Apply(UpdateWebhook& update) {
  const auto stored = webhooks.find(update.webhook.key);
  if (stored == webhooks.end()) {
    update.status = WebhookNotFoundError(update.webhook.key);
    return;
  }
  if (stored->second.revision != update.webhook.revision) {
    update.status = EtagMismatchError(stored->second.revision);
    return;
  }
  for (const AppendEvents& append : update.operational) {
    if (update.status.ok()) update.status = CheckGeneration(append);
  }
  if (!update.status.ok()) return;
  const bool activated = update.webhook.state == WebhookState::kActive &&
                         stored->second.state != WebhookState::kActive;
  const auto counted = stats.find(update.webhook.key);
  if (activated && counted != stats.end() && counted->second.consecutive_failures > 0) {
    WebhookStats& counters = Touch(update.webhook.key);
    counters.consecutive_failures = 0;
    counters.failing_since = absl::InfinitePast();
  }
  update.webhook.id = stored->second.id;
  update.webhook.ordering = stored->second.ordering;
  update.webhook.guarantee = stored->second.guarantee;
  ++update.webhook.revision;
  update.generation = ++tenants[update.webhook.key.tenant].generation;
  NormalizeTimes(&update.webhook);
  stored->second = update.webhook;
  for (AppendEvents& append : update.operational) ApplyMatched(append, 0);
  TakeStats(&update.stats);
}

void Tables::Apply(DeleteWebhook& del) {
  const auto stored = webhooks.find(del.key);
  if (stored == webhooks.end()) {
    del.status = WebhookNotFoundError(del.key);
    return;
  }
  if (del.revision != 0 && stored->second.revision != del.revision) {
    del.status = EtagMismatchError(stored->second.revision);
    return;
  }
  webhooks.erase(stored);
  stats.erase(del.key);
  deleted_webhooks.insert(del.key);
  del.generation = ++tenants[del.key.tenant].generation;
}

void Tables::Apply(PurgeDeleted& purge) {
  int budget = purge.limit;
  while (!deleted_webhooks.empty() && budget > 0) {
    const auto of_webhook = deliveries.find(*deleted_webhooks.begin());
    if (of_webhook == deliveries.end()) {
      deleted_webhooks.erase(deleted_webhooks.begin());
      continue;
    }
    // Whole deliveries at a time: their attempts count towards the next step.
    auto& rows = of_webhook->second;
    while (!rows.empty() && budget > 0) {
      budget -= 1 + static_cast<int>(rows.begin()->second.attempts.size());
      rows.erase(rows.begin());
    }
    if (rows.empty()) deliveries.erase(of_webhook);
  }
  purge.more = !deleted_webhooks.empty();
}

void Tables::Apply(CreateApiKey& create) {
  ApiKey key = create.key;
  key.create_time = ToStoredTime(key.create_time);
  if (!api_keys.emplace(key.id, key).second) {
    create.status = ApiKeyExistsError();
    return;
  }
  tenants[key.tenant];
}

void Tables::Apply(DeleteApiKey& del) {
  const auto stored = api_keys.find(del.id);
  if (stored == api_keys.end() || stored->second.tenant != del.tenant) {
    del.status = ApiKeyNotFoundError(del.id);
    return;
  }
  api_keys.erase(stored);
}

void Tables::Apply(AcquireLeases& acquire) {
  for (int partition = 0; partition < kPartitionCount; ++partition) {
    Lease& lease = leases[partition];
    acquire.fences[partition] = 0;
    if (lease.owner != acquire.owner) {
      if (!lease.owner.empty() && lease.expire_time > acquire.now) continue;
      lease.owner = acquire.owner;
      ++lease.fence;
    }
    lease.expire_time = ToStoredTime(acquire.now + acquire.duration);
    acquire.fences[partition] = lease.fence;
  }
}

void Tables::Apply(ReleaseLeases& release) {
  for (Lease& lease : leases) {
    if (lease.owner != release.owner) continue;
    lease.owner.clear();
    lease.expire_time = absl::InfinitePast();
  }
}

}  // namespace latchwire::memory
