#include "server/state/configuration.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/formats/format.h"

namespace latchwire {
namespace {

constexpr int kLoadPage = 1000;

absl::Status UnknownFormat(const Webhook& webhook) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, error_reason::kInternal,
      absl::StrCat("webhooks/", webhook.id, " has the format ", static_cast<int>(webhook.format),
                   ", which this program does not know: run the newer program that "
                   "wrote it"));
}

}  // namespace

absl::Status Configuration::Load(Store* store) {
  absl::StatusOr<std::vector<Tenant>> tenants = store->LoadTenants();
  if (!tenants.ok()) return tenants.status();
  absl::StatusOr<std::vector<ApiKey>> keys = store->LoadApiKeys();
  if (!keys.ok()) return keys.status();

  MutexLock lock(&mutex_);
  for (const Tenant& tenant : *tenants) tenants_[tenant.id].tenant = tenant;
  for (ApiKey& key : *keys) api_keys_.insert_or_assign(key.id, key);
  for (WebhookKey after;;) {
    absl::StatusOr<std::vector<Webhook>> page = store->LoadWebhooks(after, kLoadPage);
    if (!page.ok()) return page.status();
    if (page->empty()) return absl::OkStatus();
    after = page->back().key;
    for (Webhook& webhook : *page) {
      if (!FormatOfNumber(static_cast<int64_t>(webhook.format))) return UnknownFormat(webhook);
      PutLocked(std::make_shared<const Webhook>(std::move(webhook)));
    }
  }
}

void Configuration::OnCommitted(const WrittenBatch& batch) {
  batch.ForEachAppend([this](const MatchedEvents& append, const AppendResult& result, bool) {
    MutexLock lock(&mutex_);
    SetUsage(append.tenant, result.stored_bytes, result.stored_events);
  });
  batch.ForEach(Visitor{
      [this](const CreateWebhook&, const CreateWebhook::Result& created) {
        Put(created.webhook, created.generation);
      },
      [this](const UpdateWebhook&, const UpdateWebhook::Result& updated) {
        Put(updated.webhook, updated.generation);
      },
      [this](const DeleteWebhook& del, const DeleteWebhook::Result& deleted) {
        Remove(del.key, deleted.generation);
      },
      [this](const CreateTenant&, const CreateTenant::Result& created) {
        PutTenant(created.tenant);
      },
      [this](const UpdateTenant&, const UpdateTenant::Result& updated) {
        PutTenant(updated.tenant);
      },
      [this](const DeleteOldEvents& del, const DeleteOldEvents::Result& deleted) {
        MutexLock lock(&mutex_);
        SetUsage(del.tenant, deleted.stored_bytes, deleted.stored_events);
      },
      [this](const CreateApiKey& create, const CreateApiKey::Result&) {
        MutexLock lock(&mutex_);
        api_keys_.insert_or_assign(create.key.id, create.key);
      },
      [this](const DeleteApiKey& del, const DeleteApiKey::Result&) {
        MutexLock lock(&mutex_);
        api_keys_.erase(del.id);
      },
  });
}

void Configuration::PutTenant(const Tenant& tenant) {
  MutexLock lock(&mutex_);
  Tenant& known = tenants_[tenant.id].tenant;
  known.id = tenant.id;
  known.revision = tenant.revision;
  known.settings = tenant.settings;
  known.create_time = tenant.create_time;
}

void Configuration::SetUsage(TenantId tenant, int64_t stored_bytes, int64_t stored_events) {
  TenantEntry& entry = tenants_[tenant];
  entry.tenant.stored_bytes = stored_bytes;
  entry.tenant.stored_events = stored_events;
}

void Configuration::PutLocked(std::shared_ptr<const Webhook> webhook) {
  TenantEntry& tenant = tenants_[webhook->key.tenant];
  tenant.index.Put(webhook);
  tenant.uid_by_id[webhook->id] = webhook->key.uid;
  std::shared_ptr<const Webhook>& place = tenant.by_uid[webhook->key.uid];
  if (place != nullptr) --webhooks_by_state_[static_cast<size_t>(place->state)];
  ++webhooks_by_state_[static_cast<size_t>(webhook->state)];
  place = std::move(webhook);
}

void Configuration::Put(const std::shared_ptr<const Webhook>& webhook, int64_t generation) {
  {
    MutexLock lock(&mutex_);
    PutLocked(webhook);
    tenants_[webhook->key.tenant].tenant.generation = generation;
  }
  if (listener_) listener_(webhook->key, webhook);
}

void Configuration::Remove(WebhookKey key, int64_t generation) {
  {
    MutexLock lock(&mutex_);
    TenantEntry& tenant = tenants_[key.tenant];
    tenant.tenant.generation = generation;
    tenant.index.Remove(key.uid);
    if (auto found = tenant.by_uid.find(key.uid); found != tenant.by_uid.end()) {
      tenant.uid_by_id.erase(found->second->id);
      --webhooks_by_state_[static_cast<size_t>(found->second->state)];
      tenant.by_uid.erase(found);
    }
  }
  if (listener_) listener_(key, nullptr);
}

Configuration::Matched Configuration::Match(TenantId tenant,
                                            absl::Span<const std::shared_ptr<Event>> events) const {
  Matched matched;
  matched.webhooks.reserve(events.size());
  MutexLock lock(&mutex_);
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) {
    matched.webhooks.resize(events.size());
    return matched;
  }
  matched.generation = found->second.tenant.generation;
  matched.max_stored_bytes = found->second.tenant.settings.quotas.max_stored_bytes;
  for (const std::shared_ptr<Event>& event : events) {
    matched.webhooks.push_back(found->second.index.Find(*event));
  }
  return matched;
}

std::shared_ptr<const Webhook> Configuration::FindWebhook(WebhookKey key) const {
  MutexLock lock(&mutex_);
  const auto tenant = tenants_.find(key.tenant);
  if (tenant == tenants_.end()) return nullptr;
  const auto found = tenant->second.by_uid.find(key.uid);
  return found == tenant->second.by_uid.end() ? nullptr : found->second;
}

std::shared_ptr<const Webhook> Configuration::FindWebhook(TenantId tenant_id,
                                                          absl::string_view id_or_uid) const {
  int64_t uid = 0;
  const bool digits =
      !id_or_uid.empty() && std::all_of(id_or_uid.begin(), id_or_uid.end(), absl::ascii_isdigit);
  if (digits) {
    return absl::SimpleAtoi(id_or_uid, &uid) ? FindWebhook(WebhookKey{tenant_id, uid}) : nullptr;
  }
  {
    MutexLock lock(&mutex_);
    const auto tenant = tenants_.find(tenant_id);
    if (tenant == tenants_.end()) return nullptr;
    const auto found = tenant->second.uid_by_id.find(id_or_uid);
    if (found == tenant->second.uid_by_id.end()) return nullptr;
    uid = found->second;
  }
  return FindWebhook(WebhookKey{tenant_id, uid});
}

std::vector<std::shared_ptr<const Webhook>> Configuration::ListWebhooks(TenantId tenant_id,
                                                                        int64_t after_uid,
                                                                        size_t limit) const {
  std::vector<std::shared_ptr<const Webhook>> page;
  MutexLock lock(&mutex_);
  const auto tenant = tenants_.find(tenant_id);
  if (tenant == tenants_.end()) return page;
  const auto& by_uid = tenant->second.by_uid;
  for (auto it = by_uid.upper_bound(after_uid); it != by_uid.end() && page.size() < limit; ++it) {
    page.push_back(it->second);
  }
  return page;
}

std::optional<Tenant> Configuration::FindTenant(TenantId tenant) const {
  MutexLock lock(&mutex_);
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return std::nullopt;
  return found->second.tenant;
}

std::vector<Tenant> Configuration::ListTenants(TenantId after, size_t limit) const {
  std::vector<Tenant> tenants;
  MutexLock lock(&mutex_);
  for (auto it = tenants_.upper_bound(after); it != tenants_.end() && tenants.size() < limit;
       ++it) {
    tenants.push_back(it->second.tenant);
  }
  return tenants;
}

double Configuration::MaxEventsPerSecond(TenantId tenant) const {
  MutexLock lock(&mutex_);
  const auto found = tenants_.find(tenant);
  return found == tenants_.end() ? 0 : found->second.tenant.settings.quotas.max_events_per_s;
}

size_t Configuration::CountWebhooks(TenantId tenant) const {
  MutexLock lock(&mutex_);
  const auto found = tenants_.find(tenant);
  return found == tenants_.end() ? 0 : found->second.by_uid.size();
}

size_t Configuration::CountWebhooks(WebhookState state) const {
  MutexLock lock(&mutex_);
  return webhooks_by_state_[static_cast<size_t>(state)];
}

std::optional<ApiKey> Configuration::FindApiKey(absl::string_view id) const {
  MutexLock lock(&mutex_);
  const auto found = api_keys_.find(id);
  if (found == api_keys_.end()) return std::nullopt;
  return found->second;
}

std::vector<ApiKey> Configuration::ListApiKeys(TenantId tenant, const ApiKeyPosition& after,
                                               size_t limit) const {
  std::vector<ApiKey> keys;
  {
    MutexLock lock(&mutex_);
    for (const auto& [id, key] : api_keys_) {
      const bool above = std::tie(key.create_time, key.id) > std::tie(after.create_time, after.id);
      if (key.tenant == tenant && above) keys.push_back(key);
    }
  }
  std::sort(keys.begin(), keys.end(), [](const ApiKey& a, const ApiKey& b) {
    return std::tie(a.create_time, a.id) < std::tie(b.create_time, b.id);
  });
  if (keys.size() > limit) keys.resize(limit);
  return keys;
}

}  // namespace latchwire
