// The configuration that every request needs, held in memory: API keys, webhooks and their match
// index. Loaded from the store at start and kept current by the writer's commits.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "core/base/mutex.h"
#include "core/domain/matching.h"
#include "server/state/writer.h"
#include "server/store/store.h"

namespace latchwire {

// A place in the list of keys, which stays where it is when the key there is deleted.
struct ApiKeyPosition {
  absl::Time create_time = absl::InfinitePast();
  std::string id;
};

// Thread-safe.
class Configuration : public CommitObserver {
 public:
  // Called after the configuration has changed, on the writer's thread; `webhook` is null when it
  // was deleted. At most one listener, set before the first commit.
  using WebhookListener = absl::AnyInvocable<void(WebhookKey, std::shared_ptr<const Webhook>)>;

  // Reads everything from `store`. Once, before the writer's first step. FAILED_PRECONDITION if a
  // webhook has a format that this program does not know.
  absl::Status Load(Store* store);
  void SetWebhookListener(WebhookListener listener) { listener_ = std::move(listener); }
  void OnCommitted(const WrittenBatch& batch) override;

  struct Matched {
    int64_t generation = 0;
    int64_t max_stored_bytes = 0;                                       // the tenant's quota
    std::vector<std::vector<std::shared_ptr<const Webhook>>> webhooks;  // one entry per event
  };
  // All events against one generation.
  Matched Match(TenantId tenant, absl::Span<const std::shared_ptr<Event>> events) const;

  std::shared_ptr<const Webhook> FindWebhook(WebhookKey key) const;  // null when there is none
  // `id_or_uid`: a UUID, or all digits.
  std::shared_ptr<const Webhook> FindWebhook(TenantId tenant, absl::string_view id_or_uid) const;
  // By ascending uid, above `after_uid`.
  std::vector<std::shared_ptr<const Webhook>> ListWebhooks(TenantId tenant, int64_t after_uid,
                                                           size_t limit) const;

  // With its settings and what it stores.
  std::optional<Tenant> FindTenant(TenantId tenant) const;
  std::vector<Tenant> ListTenants(TenantId after, size_t limit) const;  // by ascending id
  double MaxEventsPerSecond(TenantId tenant) const;  // the tenant's quota; 0: none
  size_t CountWebhooks(TenantId tenant) const;
  size_t CountWebhooks(WebhookState state) const;  // over all tenants

  std::optional<ApiKey> FindApiKey(absl::string_view id) const;
  // By (create_time, id), above `after`.
  std::vector<ApiKey> ListApiKeys(TenantId tenant, const ApiKeyPosition& after, size_t limit) const;

 private:
  struct TenantEntry {
    Tenant tenant;
    MatchIndex index;
    absl::btree_map<int64_t, std::shared_ptr<const Webhook>> by_uid;
    absl::flat_hash_map<std::string, int64_t> uid_by_id;
  };
  void PutTenant(const Tenant& tenant);
  void SetUsage(TenantId tenant, int64_t stored_bytes, int64_t stored_events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutLocked(std::shared_ptr<const Webhook> webhook) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(const std::shared_ptr<const Webhook>& webhook, int64_t generation);
  void Remove(WebhookKey key, int64_t generation);

  WebhookListener listener_;
  mutable Mutex mutex_;
  absl::btree_map<TenantId, TenantEntry> tenants_ ABSL_GUARDED_BY(mutex_);
  std::array<size_t, 5> webhooks_by_state_ ABSL_GUARDED_BY(mutex_) = {};
  absl::flat_hash_map<std::string, ApiKey> api_keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire
