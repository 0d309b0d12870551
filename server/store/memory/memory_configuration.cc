// Webhooks, API keys and leases.
#include <map>
#include <utility>
#include <variant>

#include "server/store/driver/configuration_rules.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

Changes Tables::PollChanges(ChangeCursor after, int limit) const {
  std::map<ChangeCursor, std::variant<TenantId, WebhookKey>> newer;
  for (const auto& [tenant, change] : tenant_changes) {
    if (change > after) newer.emplace(change, tenant);
  }
  for (const auto& [webhook, change] : work_changes) {
    if (change > after) newer.emplace(change, webhook);
  }
  Changes changes;
  changes.next = after;
  for (const auto& [change, what] : newer) {
    if (limit-- == 0) {
      changes.more = true;
      break;
    }
    changes.next = change;
    if (const auto* webhook = std::get_if<WebhookKey>(&what)) {
      changes.work.push_back(*webhook);
    } else {
      const TenantId tenant = std::get<TenantId>(what);
      changes.tenants.push_back({tenant, tenants.at(tenant).generation});
    }
  }
  return changes;
}

int64_t Tables::ChangeConfiguration(TenantId tenant) {
  tenant_changes[tenant] = ++last_change;
  return ++tenants[tenant].generation;
}

Tables::Answer<CreateWebhook> Tables::Apply(const CreateWebhook& create) {
  const TenantId tenant = create.webhook.key.tenant;
  int64_t count = 0;
  for (const auto& [key, webhook] : webhooks) {
    if (key.tenant != tenant) continue;
    if (webhook->id == create.webhook.id) return WebhookExistsError(create.webhook.id);
    ++count;
  }
  if (absl::Status status = CheckWebhookQuota(create, count); !status.ok()) return status;
  TenantRow& row = tenants[tenant];
  auto webhook = std::make_shared<const Webhook>(NewWebhook(create, row.next_uid++));
  webhooks[webhook->key] = webhook;
  return CreateWebhook::Result{std::move(webhook), ChangeConfiguration(tenant)};
}

Tables::Answer<UpdateWebhook> Tables::Apply(const UpdateWebhook& update) {
  const WebhookKey key = update.webhook.key;
  const auto stored = webhooks.find(key);
  if (stored == webhooks.end()) return WebhookNotFoundError(key);
  auto changed = ChangedWebhook(update, *stored->second);
  if (!changed.ok()) return changed.status();
  for (const MatchedEvents& append : update.operational) {
    if (absl::Status status = CheckGeneration(append); !status.ok()) return status;
  }
  const auto counted = stats.find(key);
  if (StartsAnew(*stored->second, *changed) && counted != stats.end() &&
      counted->second.consecutive_failures > 0) {
    ClearFailures(&Touch(key));
  }
  UpdateWebhook::Result result;
  result.webhook = stored->second = std::make_shared<const Webhook>(*std::move(changed));
  result.generation = ChangeConfiguration(key.tenant);
  result.operational = ApplyOperational(update.operational);
  result.stats = CollectStats();
  return result;
}

Tables::Answer<DeleteWebhook> Tables::Apply(const DeleteWebhook& del) {
  const auto stored = webhooks.find(del.key);
  if (stored == webhooks.end()) return WebhookNotFoundError(del.key);
  if (absl::Status status = CheckDelete(del, *stored->second); !status.ok()) return status;
  webhooks.erase(stored);
  stats.erase(del.key);
  deleted_webhooks.insert(del.key);
  work_changes.erase(del.key);
  return DeleteWebhook::Result{ChangeConfiguration(del.key.tenant)};
}

Tables::Answer<PurgeDeleted> Tables::Apply(const PurgeDeleted& purge) {
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
  return PurgeDeleted::Result{!deleted_webhooks.empty()};
}

Tables::Answer<CreateApiKey> Tables::Apply(const CreateApiKey& create) {
  ApiKey key = create.key;
  key.create_time = ToStoredTime(key.create_time);
  if (!api_keys.emplace(key.id, key).second) return ApiKeyExistsError();
  return CreateApiKey::Result{ChangeConfiguration(key.tenant)};
}

Tables::Answer<DeleteApiKey> Tables::Apply(const DeleteApiKey& del) {
  const auto stored = api_keys.find(del.id);
  if (stored == api_keys.end() || stored->second.tenant != del.tenant) {
    return ApiKeyNotFoundError(del.id);
  }
  api_keys.erase(stored);
  return DeleteApiKey::Result{ChangeConfiguration(del.tenant)};
}

Tables::Answer<AcquireLeases> Tables::Apply(const AcquireLeases& acquire) {
  AcquireLeases::Result result;
  for (int partition = 0; partition < kPartitionCount; ++partition) {
    Lease& lease = leases[partition];
    if (Grant(acquire, &lease)) result.fences[partition] = lease.fence;
  }
  held_leases->Set(result);
  return result;
}

Tables::Answer<ReleaseLeases> Tables::Apply(const ReleaseLeases& release) {
  for (Lease& lease : leases) {
    if (lease.owner != release.owner) continue;
    lease.owner.clear();
    lease.expire_time = absl::InfinitePast();
  }
  return ReleaseLeases::Result();
}

}  // namespace latchwire::memory
