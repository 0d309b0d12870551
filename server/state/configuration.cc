#include "server/state/configuration.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/formats/format.h"

namespace latchwire {
namespace {

constexpr int kLoadPage = 1000;
// How often a tenant is read again because commits of our own overtook the reading.
constexpr int kMaxReloads = 3;

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
  for (const Tenant& tenant : *tenants) {
    TenantEntry& entry = tenants_[tenant.id];
    entry.tenant = tenant;
    entry.seen_generation = tenant.generation;
  }
  for (ApiKey& key : *keys) api_keys_.insert_or_assign(key.id, key);
  for (WebhookKey after;;) {
    absl::StatusOr<std::vector<Webhook>> page = store->LoadWebhooks(after, kLoadPage);
    if (!page.ok()) return page.status();
    if (page->empty()) return absl::OkStatus();
    after = page->back().key;
    for (Webhook& webhook : *page) {
      if (!FormatOfNumber(static_cast<int64_t>(webhook.format))) return UnknownFormat(webhook);
      Put(std::make_shared<const Webhook>(std::move(webhook)));
    }
  }
}

void Configuration::SetWebhookListener(WebhookListener listener) {
  MutexLock lock(&listeners_mutex_);
  webhook_listener_ = std::move(listener);
}

void Configuration::SetKeyListener(KeyListener listener) {
  MutexLock lock(&listeners_mutex_);
  key_listener_ = std::move(listener);
}

void Configuration::Tell(const Told& told) {
  for (const auto& [key, webhook] : told.webhooks) {
    if (webhook_listener_) webhook_listener_(key, webhook);
  }
  for (const auto& [tenant, id] : told.deleted_keys) {
    if (key_listener_) key_listener_(tenant, id);
  }
}

void Configuration::OnCommitted(const WrittenBatch& batch) {
  MutexLock listeners_lock(&listeners_mutex_);
  Told told;
  {
    MutexLock lock(&mutex_);
    for (size_t i = 0; i < batch.mutations().size(); ++i) {
      if (!batch.results()[i].ok()) continue;
      std::visit(
          [&](const auto& mutation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
            using M = std::remove_cvref_t<decltype(mutation)>;
            Apply(mutation, ResultOf<M>(batch.results()[i]), &told);
          },
          batch.mutations()[i]);
    }
  }
  Tell(told);
}

template <typename M, typename Result>
void Configuration::Apply(const M& mutation, const Result& result, Told* told) {
  if constexpr (std::is_same_v<M, CreateWebhook> || std::is_same_v<M, UpdateWebhook>) {
    const WebhookKey key = result.webhook->key;
    if (Advance(key.tenant, result.generation)) {
      Put(result.webhook);
      told->webhooks.emplace_back(key, result.webhook);
    }
  } else if constexpr (std::is_same_v<M, DeleteWebhook>) {
    if (Advance(mutation.key.tenant, result.generation)) {
      Remove(mutation.key);
      told->webhooks.emplace_back(mutation.key, nullptr);
    }
  } else if constexpr (std::is_same_v<M, CreateTenant> || std::is_same_v<M, UpdateTenant>) {
    if (Advance(result.tenant.id, result.tenant.generation)) PutTenant(result.tenant);
  } else if constexpr (std::is_same_v<M, CreateApiKey>) {
    if (Advance(mutation.key.tenant, result.generation)) {
      api_keys_.insert_or_assign(mutation.key.id, mutation.key);
    }
  } else if constexpr (std::is_same_v<M, DeleteApiKey>) {
    if (Advance(mutation.tenant, result.generation)) {
      api_keys_.erase(mutation.id);
      told->deleted_keys.emplace_back(mutation.tenant, mutation.id);
    }
  } else if constexpr (std::is_same_v<M, DeleteOldEvents>) {
    SetUsage(mutation.tenant, result.stored_bytes, result.stored_events);
  } else if constexpr (std::is_base_of_v<MatchedEvents, M>) {
    SetUsage(mutation.tenant, result.stored_bytes, result.stored_events);
  }
  if constexpr (requires { mutation.operational; }) {
    for (size_t i = 0; i < mutation.operational.size(); ++i) {
      const absl::StatusOr<AppendResult>& append = result.operational[i];
      if (!append.ok()) continue;
      SetUsage(mutation.operational[i].tenant, append->stored_bytes, append->stored_events);
    }
  }
}

bool Configuration::Advance(TenantId tenant, int64_t generation) {
  const auto [found, is_new] = tenants_.try_emplace(tenant);
  TenantEntry& entry = found->second;
  entry.tenant.id = tenant;
  if (!is_new && generation <= entry.tenant.generation) return false;
  LATCHWIRE_DCHECK(generation >= entry.seen_generation, "commits come in their order");
  entry.seen_generation = generation;
  // The next one and no other: else another handle's change lies in between, which is not here.
  if (generation <= entry.tenant.generation + 1) {
    entry.tenant.generation = generation;
  } else {
    behind_.insert(tenant);
  }
  return true;
}

bool Configuration::IsBehind() const {
  MutexLock lock(&mutex_);
  return !behind_.empty();
}

bool Configuration::IsBehind(TenantId tenant, int64_t generation) const {
  MutexLock lock(&mutex_);
  const auto found = tenants_.find(tenant);
  return found == tenants_.end() || found->second.tenant.generation < generation;
}

absl::StatusOr<Configuration::Loaded> Configuration::LoadOne(Store& store, TenantId id) {
  Loaded loaded;
  // The generation first: if more changes while the rest is read, the tenant is behind then.
  absl::StatusOr<Tenant> tenant = store.GetTenant(id);
  if (!tenant.ok()) return tenant.status();
  loaded.tenant = *std::move(tenant);
  absl::StatusOr<std::vector<ApiKey>> keys = store.LoadApiKeys();
  if (!keys.ok()) return keys.status();
  for (ApiKey& key : *keys) {
    if (key.tenant == id) loaded.api_keys.push_back(std::move(key));
  }
  for (WebhookKey after{id, 0};;) {
    absl::StatusOr<std::vector<Webhook>> page = store.LoadWebhooks(after, kLoadPage);
    if (!page.ok()) return page.status();
    for (Webhook& webhook : *page) {
      if (webhook.key.tenant != id) return loaded;
      if (!FormatOfNumber(static_cast<int64_t>(webhook.format))) return UnknownFormat(webhook);
      loaded.webhooks.push_back(std::make_shared<const Webhook>(std::move(webhook)));
    }
    if (page->empty()) return loaded;
    after = loaded.webhooks.back()->key;
  }
}

absl::Status Configuration::Reload(Store& store, TenantId tenant) {
  for (int i = 0; i < kMaxReloads; ++i) {
    const absl::StatusOr<Loaded> loaded = LoadOne(store, tenant);
    if (!loaded.ok()) return loaded.status();
    MutexLock listeners_lock(&listeners_mutex_);
    Told told;
    {
      MutexLock lock(&mutex_);
      if (!Replace(*loaded, &told)) continue;
    }
    Tell(told);
    break;
  }
  return absl::OkStatus();
}

bool Configuration::Replace(const Loaded& loaded, Told* told) {
  const Tenant& tenant = loaded.tenant;
  TenantEntry& entry = tenants_[tenant.id];
  if (tenant.generation < entry.seen_generation) return false;
  entry.tenant = tenant;
  entry.seen_generation = tenant.generation;
  behind_.erase(tenant.id);

  absl::flat_hash_set<int64_t> uids;
  for (const std::shared_ptr<const Webhook>& webhook : loaded.webhooks) {
    uids.insert(webhook->key.uid);
    const auto known = entry.by_uid.find(webhook->key.uid);
    if (known != entry.by_uid.end() && known->second->revision == webhook->revision) continue;
    Put(webhook);
    told->webhooks.emplace_back(webhook->key, webhook);
  }
  std::vector<WebhookKey> gone;
  for (const auto& [uid, webhook] : entry.by_uid) {
    if (!uids.contains(uid)) gone.push_back(webhook->key);
  }
  for (const WebhookKey& key : gone) {
    Remove(key);
    told->webhooks.emplace_back(key, nullptr);
  }
  ReplaceKeys(loaded, told);
  return true;
}

void Configuration::ReplaceKeys(const Loaded& loaded, Told* told) {
  absl::flat_hash_set<absl::string_view> ids;
  for (const ApiKey& key : loaded.api_keys) {
    ids.insert(key.id);
    api_keys_.insert_or_assign(key.id, key);
  }
  absl::erase_if(api_keys_, [&](const auto& entry) {
    if (entry.second.tenant != loaded.tenant.id || ids.contains(entry.first)) return false;
    told->deleted_keys.emplace_back(loaded.tenant.id, entry.first);
    return true;
  });
}

void Configuration::PutTenant(const Tenant& tenant) {
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

void Configuration::Put(std::shared_ptr<const Webhook> webhook) {
  TenantEntry& tenant = tenants_[webhook->key.tenant];
  tenant.tenant.id = webhook->key.tenant;
  tenant.index.Put(webhook);
  tenant.uid_by_id[webhook->id] = webhook->key.uid;
  std::shared_ptr<const Webhook>& place = tenant.by_uid[webhook->key.uid];
  if (place != nullptr) --webhooks_by_state_[static_cast<size_t>(place->state)];
  ++webhooks_by_state_[static_cast<size_t>(webhook->state)];
  place = std::move(webhook);
}

void Configuration::Remove(WebhookKey key) {
  TenantEntry& tenant = tenants_[key.tenant];
  tenant.index.Remove(key.uid);
  const auto found = tenant.by_uid.find(key.uid);
  if (found == tenant.by_uid.end()) return;
  tenant.uid_by_id.erase(found->second->id);
  size_t& in_state = webhooks_by_state_[static_cast<size_t>(found->second->state)];
  LATCHWIRE_CHECK(in_state > 0);
  --in_state;
  tenant.by_uid.erase(found);
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
