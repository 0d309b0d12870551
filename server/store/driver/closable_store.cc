#include "server/store/driver/closable_store.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/mutex.h"
#include "server/store/driver/driver_errors.h"

namespace latchwire {
namespace {

class ClosableStore : public Store {
 public:
  explicit ClosableStore(std::unique_ptr<DriverStore> store) : store_(std::move(store)) {}
  ~ClosableStore() override { Close(); }

  void Close() override {
    std::unique_ptr<DriverStore> closing;
    MutexLock lock(&mutex_);
    closed_ = true;
    while (calls_ > 0) idle_.Wait(&mutex_);
    closing = std::move(store_);  // null when another Close was first
  }

  absl::Status Ready() override { return Call(&Store::Ready); }
  absl::Status Write(absl::Span<const Mutation> mutations,
                     absl::Span<MutationResult> results) override {
    const absl::Status status = Call(&Store::Write, mutations, results);
    // The store itself fills in every result, also when it fails.
    if (!status.ok() && IsClosed()) std::fill(results.begin(), results.end(), status);
    return status;
  }
  absl::Status Checkpoint() override { return Call(&Store::Checkpoint); }
  absl::StatusOr<Changes> PollChanges(ChangeCursor after, int limit) override {
    return Call(&Store::PollChanges, after, limit);
  }
  absl::StatusOr<std::vector<Tenant>> LoadTenants() override { return Call(&Store::LoadTenants); }
  absl::StatusOr<Tenant> GetTenant(TenantId tenant) override {
    return Call(&Store::GetTenant, tenant);
  }
  absl::StatusOr<std::vector<Webhook>> LoadWebhooks(WebhookKey after, int limit) override {
    return Call(&Store::LoadWebhooks, after, limit);
  }
  absl::StatusOr<std::vector<ApiKey>> LoadApiKeys() override { return Call(&Store::LoadApiKeys); }
  absl::StatusOr<std::vector<WebhookStats>> LoadStats(WebhookKey after, int limit) override {
    return Call(&Store::LoadStats, after, limit);
  }
  absl::StatusOr<Event> GetEvent(TenantId tenant, int64_t number) override {
    return Call(&Store::GetEvent, tenant, number);
  }
  absl::StatusOr<int64_t> FindEvent(TenantId tenant, absl::string_view id) override {
    return Call(&Store::FindEvent, tenant, id);
  }
  absl::StatusOr<EventPage> ListEvents(TenantId tenant, const EventFilter& filter, int64_t before,
                                       int limit) override {
    return Call(&Store::ListEvents, tenant, filter, before, limit);
  }
  absl::StatusOr<PendingDelivery> GetDelivery(DeliveryKey key) override {
    return Call(&Store::GetDelivery, key);
  }
  absl::StatusOr<DeliveryPage> ListDeliveries(TenantId tenant, const DeliveryFilter& filter,
                                              DeliveryCursor after, int limit) override {
    return Call(&Store::ListDeliveries, tenant, filter, after, limit);
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(DeliveryKey key, int after,
                                                    int limit) override {
    return Call(&Store::ListAttempts, key, after, limit);
  }
  absl::StatusOr<std::vector<WebhookWork>> LoadWork(WebhookKey after, int limit) override {
    return Call(&Store::LoadWork, after, limit);
  }
  absl::StatusOr<DueDeliveries> LoadDue(WebhookKey webhook, absl::Time now, int limit,
                                        const absl::flat_hash_set<int64_t>& exclude) override {
    return Call(&Store::LoadDue, webhook, now, limit, exclude);
  }
  absl::StatusOr<DueDeliveries> LoadHeads(
      WebhookKey webhook, absl::Time now, int limit,
      const absl::flat_hash_set<std::string>& exclude_order_keys) override {
    return Call(&Store::LoadHeads, webhook, now, limit, exclude_order_keys);
  }
  absl::StatusOr<RecoveryJob> GetRecoveryJob(TenantId tenant, absl::string_view id) override {
    return Call(&Store::GetRecoveryJob, tenant, id);
  }
  absl::StatusOr<std::vector<RecoveryJob>> ListRecoveryJobs(TenantId tenant, int64_t before,
                                                            int limit) override {
    return Call(&Store::ListRecoveryJobs, tenant, before, limit);
  }
  absl::StatusOr<std::vector<RecoveryJob>> LoadRunningRecoveryJobs() override {
    return Call(&Store::LoadRunningRecoveryJobs);
  }

 private:
  template <typename Result, typename... Parameters, typename... Arguments>
  Result Call(Result (Store::*method)(Parameters...), const Arguments&... arguments) {
    Store* store = nullptr;
    {
      MutexLock lock(&mutex_);
      if (closed_) return StoreUnavailableError("it is closed");
      ++calls_;
      store = store_.get();
    }
    Result result = (store->*method)(arguments...);
    MutexLock lock(&mutex_);
    LATCHWIRE_CHECK(calls_ > 0);
    if (--calls_ == 0 && closed_) idle_.NotifyAll();
    return result;
  }
  bool IsClosed() {
    MutexLock lock(&mutex_);
    return closed_;
  }

  Mutex mutex_;
  CondVar idle_;  // no call is under way, and none will come
  std::unique_ptr<DriverStore> store_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<Store> NewClosableStore(std::unique_ptr<DriverStore> store) {
  return std::make_unique<ClosableStore>(std::move(store));
}

}  // namespace latchwire
