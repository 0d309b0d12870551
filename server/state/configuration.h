// The configuration that every request needs, held in memory: tenants, API keys, webhooks and their
// match index. Loaded from the store at start and kept current by the writer's commits; what other
// handles on the database commit is reloaded, a tenant at a time (change_follower.h).
//
// A tenant's generation here is that of the newest state which is here as a whole. Events are
// matched against it, so that a store which knows better refuses them as stale.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
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
  // Called after a webhook has changed; `webhook` is null when it was deleted.
  using WebhookListener = absl::AnyInvocable<void(WebhookKey, std::shared_ptr<const Webhook>)>;
  // Called after an API key was deleted.
  using KeyListener = absl::AnyInvocable<void(TenantId, const std::string& id)>;

  // Reads everything from `store`. Once, before the writer's first step. FAILED_PRECONDITION if a
  // webhook has a format that this program does not know.
  absl::Status Load(Store* store);
  // At most one of each, set before the first commit. They are called on the writer's thread, or on
  // the thread that reloads, never both at once.
  void SetWebhookListener(WebhookListener listener);
  void SetKeyListener(KeyListener listener);
  void OnCommitted(const WrittenBatch& batch) override;

  // Whether another handle has changed something that is not here yet: of any tenant, as our own
  // commits have shown; of `tenant`, which has `generation` in the store.
  bool IsBehind() const;
  bool IsBehind(TenantId tenant, int64_t generation) const;
  // Reads the tenant anew; blocks. What our own commits bring meanwhile is not lost: if they
  // overtake it again and again, the tenant stays behind, and that is no error.
  absl::Status Reload(Store& store, TenantId tenant);

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
    int64_t seen_generation =
        0;  // the highest that our own commits have seen; never below tenant's
    MatchIndex index;
    absl::btree_map<int64_t, std::shared_ptr<const Webhook>> by_uid;
    absl::flat_hash_map<std::string, int64_t> uid_by_id;
  };
  // What one tenant has, as read from the store.
  struct Loaded {
    Tenant tenant;
    std::vector<std::shared_ptr<const Webhook>> webhooks;
    std::vector<ApiKey> api_keys;
  };
  // What listeners are to be told of.
  struct Told {
    std::vector<std::pair<WebhookKey, std::shared_ptr<const Webhook>>> webhooks;
    std::vector<std::pair<TenantId, std::string>> deleted_keys;
  };

  static absl::StatusOr<Loaded> LoadOne(Store& store, TenantId tenant);
  // False if our own commits have gone past what was read.
  bool Replace(const Loaded& loaded, Told* told) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReplaceKeys(const Loaded& loaded, Told* told) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What a commit of our own has changed.
  template <typename M, typename Result>
  void Apply(const M& mutation, const Result& result, Told* told)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A commit of our own has made the tenant's generation `generation`. False if a reload, which saw
  // more, has brought it already.
  bool Advance(TenantId tenant, int64_t generation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutTenant(const Tenant& tenant) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetUsage(TenantId tenant, int64_t stored_bytes, int64_t stored_events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(std::shared_ptr<const Webhook> webhook) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(WebhookKey key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell(const Told& told) ABSL_EXCLUSIVE_LOCKS_REQUIRED(listeners_mutex_);

  // Held from a change until its listeners have returned, so that they are called in the order of
  // the changes. Locked before mutex_.
  Mutex listeners_mutex_;
  WebhookListener webhook_listener_ ABSL_GUARDED_BY(listeners_mutex_);
  KeyListener key_listener_ ABSL_GUARDED_BY(listeners_mutex_);
  mutable Mutex mutex_;
  absl::btree_map<TenantId, TenantEntry> tenants_ ABSL_GUARDED_BY(mutex_);
  std::array<size_t, 5> webhooks_by_state_ ABSL_GUARDED_BY(mutex_) = {};
  absl::flat_hash_map<std::string, ApiKey> api_keys_ ABSL_GUARDED_BY(mutex_);
  // Tenants whose seen_generation is not here yet.
  absl::flat_hash_set<TenantId> behind_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire
