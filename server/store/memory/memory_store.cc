#include "server/store/memory/memory_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/mutex.h"
#include "server/store/driver/closable_store.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/driver/due_choice.h"
#include "server/store/memory/memory_state.h"

namespace latchwire {
namespace memory {

class Database : public MemoryDatabase {
 public:
  void FailWrites(int count, absl::string_view cause) override {
    MutexLock lock(&mutex);
    failing_writes = count;
    cause_of_failure = std::string(cause);
  }
  void LoseAnswerAfter(int count) override {
    MutexLock lock(&mutex);
    writes_until_lost_answer = count + 1;
  }

  Mutex mutex;
  Tables tables ABSL_GUARDED_BY(mutex);
  int failing_writes ABSL_GUARDED_BY(mutex) = 0;
  int writes_until_lost_answer ABSL_GUARDED_BY(mutex) = 0;  // 0: none is to be lost
  std::string cause_of_failure ABSL_GUARDED_BY(mutex);
};

namespace {

absl::Status FailAll(absl::string_view cause, absl::Span<MutationResult> results) {
  const absl::Status status = StoreUnavailableError(cause);
  std::fill(results.begin(), results.end(), status);
  return status;
}

MutationResult ApplyOne(Tables* tables, const Mutation& mutation) {
  return std::visit([tables](const auto& value) -> MutationResult { return tables->Apply(value); },
                    mutation);
}

PendingDelivery WithoutData(const DeliveryRow& row) {
  auto event = std::make_shared<Event>(*row.event);
  event->data.clear();
  return {row.delivery, std::move(event)};
}

PendingDelivery WithEvent(const DeliveryRow& row) { return {row.delivery, row.event}; }

bool EarlierDue(const DeliveryRow* a, const DeliveryRow* b) {
  return std::pair(a->delivery.due_time, a->delivery.key.event_number) <
         std::pair(b->delivery.due_time, b->delivery.key.event_number);
}

// Pending deliveries without an order key, and the head of each order key. Earliest due first.
std::vector<const DeliveryRow*> Startable(const std::map<int64_t, DeliveryRow>& rows) {
  std::vector<const DeliveryRow*> startable;
  std::set<std::string> order_keys;
  for (const auto& [number, row] : rows) {
    if (row.delivery.state != DeliveryState::kPending) continue;
    if (row.delivery.order_key.empty() || order_keys.insert(row.delivery.order_key).second) {
      startable.push_back(&row);
    }
  }
  std::sort(startable.begin(), startable.end(), EarlierDue);
  return startable;
}

// Chooses what is due from candidates by priority, each list in the order of due times.
DueDeliveries ChooseFrom(const std::map<int, std::vector<const DeliveryRow*>, std::greater<>>& work,
                         absl::Time now, int limit) {
  DueDeliveries due;
  std::vector<DueOfPriority> by_priority;
  std::map<int64_t, const DeliveryRow*> by_number;
  for (const auto& [priority, candidates] : work) {
    DueOfPriority& of_priority = by_priority.emplace_back();
    of_priority.priority = priority;
    for (const DeliveryRow* row : candidates) {
      const Delivery& delivery = row->delivery;
      if (delivery.due_time > ToStoredTime(now)) {
        due.next_due = std::min(due.next_due, delivery.due_time);
        break;
      }
      of_priority.entries.push_back({delivery.due_time, delivery.key.event_number});
      by_number[delivery.key.event_number] = row;
    }
  }
  size_t bytes = 0;
  for (const int64_t number : ChooseDue(by_priority, limit)) {
    if (bytes >= kMaxLoadBytes) break;
    due.deliveries.push_back(WithEvent(*by_number.at(number)));
    bytes += due.deliveries.back().event->data.size();
  }
  if (due.deliveries.size() < by_number.size()) {
    due.more = true;
    due.next_due = absl::InfiniteFuture();
  }
  return due;
}

class MemoryStore : public DriverStore {
 public:
  explicit MemoryStore(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  absl::Status Write(absl::Span<const Mutation> mutations,
                     absl::Span<MutationResult> results) override {
    LATCHWIRE_CHECK(mutations.size() == results.size());
    MutexLock lock(&database_->mutex);
    if (database_->failing_writes > 0) {
      --database_->failing_writes;
      return FailAll(database_->cause_of_failure, results);
    }
    database_->tables.held_leases = &held_leases_;
    for (size_t i = 0; i < mutations.size(); ++i) {
      results[i] = ApplyOne(&database_->tables, mutations[i]);
    }
    if (database_->writes_until_lost_answer > 0 && --database_->writes_until_lost_answer == 0) {
      return FailAll("the answer was lost", results);
    }
    return absl::OkStatus();
  }

  absl::Status Ready() override {
    MutexLock lock(&database_->mutex);
    if (database_->failing_writes == 0) return absl::OkStatus();
    return StoreUnavailableError(database_->cause_of_failure);
  }

  absl::StatusOr<Changes> PollChanges(ChangeCursor after, int limit) override {
    MutexLock lock(&database_->mutex);
    return database_->tables.PollChanges(after, limit);
  }

  absl::StatusOr<Tenant> GetTenant(TenantId tenant) override {
    MutexLock lock(&database_->mutex);
    const auto row = database_->tables.tenants.find(tenant);
    if (row == database_->tables.tenants.end()) return TenantNotFoundError(tenant);
    return TenantOf(tenant, row->second);
  }

  absl::StatusOr<std::vector<Tenant>> LoadTenants() override {
    MutexLock lock(&database_->mutex);
    std::vector<Tenant> tenants;
    for (const auto& [id, row] : database_->tables.tenants) {
      tenants.push_back(TenantOf(id, row));
    }
    return tenants;
  }

  absl::StatusOr<std::vector<Webhook>> LoadWebhooks(WebhookKey after, int limit) override {
    MutexLock lock(&database_->mutex);
    const auto& rows = database_->tables.webhooks;
    std::vector<Webhook> webhooks;
    for (auto row = rows.upper_bound(after); row != rows.end(); ++row) {
      if (static_cast<int>(webhooks.size()) == limit) break;
      webhooks.push_back(*row->second);
    }
    return webhooks;
  }

  absl::StatusOr<std::vector<ApiKey>> LoadApiKeys() override {
    MutexLock lock(&database_->mutex);
    std::vector<ApiKey> keys;
    for (const auto& [id, key] : database_->tables.api_keys) keys.push_back(key);
    return keys;
  }

  absl::StatusOr<std::vector<WebhookStats>> LoadStats(WebhookKey after, int limit) override {
    MutexLock lock(&database_->mutex);
    const auto& rows = database_->tables.stats;
    std::vector<WebhookStats> stats;
    for (auto row = rows.upper_bound(after); row != rows.end(); ++row) {
      if (static_cast<int>(stats.size()) == limit) break;
      stats.push_back(row->second);
    }
    return stats;
  }

  absl::StatusOr<RecoveryJob> GetRecoveryJob(TenantId tenant, absl::string_view id) override {
    MutexLock lock(&database_->mutex);
    for (const auto& [key, job] : database_->tables.recovery_jobs) {
      if (key.first == tenant && job.id == id) return job;
    }
    return RecoveryJobNotFoundError(id);
  }

  absl::StatusOr<std::vector<RecoveryJob>> ListRecoveryJobs(TenantId tenant, int64_t before,
                                                            int limit) override {
    MutexLock lock(&database_->mutex);
    const auto& rows = database_->tables.recovery_jobs;
    std::vector<RecoveryJob> jobs;
    auto row = rows.lower_bound({tenant, before == 0 ? INT64_MAX : before});
    while (row != rows.begin() && (--row)->first.first == tenant) {
      if (static_cast<int>(jobs.size()) == limit) break;
      jobs.push_back(row->second);
    }
    return jobs;
  }

  absl::StatusOr<std::vector<RecoveryJob>> LoadRunningRecoveryJobs() override {
    MutexLock lock(&database_->mutex);
    std::vector<RecoveryJob> jobs;
    for (const auto& [key, job] : database_->tables.recovery_jobs) {
      if (job.state == RecoveryJobState::kRunning) jobs.push_back(job);
    }
    return jobs;
  }

  absl::StatusOr<Event> GetEvent(TenantId tenant, int64_t number) override {
    MutexLock lock(&database_->mutex);
    const auto& events = database_->tables.events;
    const auto row = events.find({tenant, number});
    if (row == events.end()) return EventNotFoundError(absl::StrCat(number));
    return *row->second.event;
  }

  absl::StatusOr<int64_t> FindEvent(TenantId tenant, absl::string_view id) override {
    MutexLock lock(&database_->mutex);
    const auto number = database_->tables.FindEvent(tenant, std::string(id), INT64_MIN);
    if (!number.has_value()) return EventNotFoundError(id);
    return *number;
  }

  absl::StatusOr<EventPage> ListEvents(TenantId tenant, const EventFilter& filter, int64_t before,
                                       int limit) override {
    MutexLock lock(&database_->mutex);
    const auto& events = database_->tables.events;
    EventPage page;
    auto row = events.lower_bound({tenant, before == 0 ? INT64_MAX : before});
    for (int looked_at = 0; row != events.begin(); ++looked_at) {
      --row;
      if (row->first.first != tenant) break;
      const Event& event = *row->second.event;
      if (static_cast<int>(page.events.size()) == limit || looked_at == kMaxRowsPerPage) {
        page.next_before = event.number + 1;
        break;
      }
      if ((filter.type.empty() || filter.type == event.type) &&
          (filter.source.empty() || filter.source == event.source) &&
          (filter.subject.empty() || filter.subject == event.subject)) {
        page.events.push_back(event);
      }
    }
    return page;
  }

  absl::StatusOr<PendingDelivery> GetDelivery(DeliveryKey key) override {
    MutexLock lock(&database_->mutex);
    const DeliveryRow* row = std::as_const(database_->tables).FindDelivery(key);
    if (row == nullptr) return DeliveryNotFoundError(key);
    return WithoutData(*row);
  }

  absl::StatusOr<DeliveryPage> ListDeliveries(TenantId tenant, const DeliveryFilter& filter,
                                              DeliveryCursor after, int limit) override {
    MutexLock lock(&database_->mutex);
    DeliveryPage page;
    DeliveryCursor last;
    int looked_at = 0;
    auto event = database_->tables.events.upper_bound({tenant, after ? after->first : INT64_MAX});
    while (event != database_->tables.events.begin() && (--event)->first.first == tenant) {
      const int64_t number = event->first.second;
      if (filter.event_number && *filter.event_number != number) continue;
      const auto& uids = event->second.webhooks;
      for (auto uid = uids.rbegin(); uid != uids.rend(); ++uid) {
        const DeliveryCursor here = std::pair(number, *uid);
        if (after && !(*here < *after)) continue;
        if (filter.webhook_uid && *filter.webhook_uid != *uid) continue;
        const DeliveryRow* row =
            std::as_const(database_->tables).FindDelivery({{tenant, *uid}, number});
        if (row == nullptr) continue;
        if (static_cast<int>(page.deliveries.size()) == limit || looked_at == kMaxRowsPerPage) {
          page.next = last;
          return page;
        }
        ++looked_at;
        last = here;
        if (!filter.state || *filter.state == row->delivery.state) {
          page.deliveries.push_back(WithoutData(*row));
        }
      }
    }
    return page;
  }

  absl::StatusOr<std::vector<Attempt>> ListAttempts(DeliveryKey key, int after,
                                                    int limit) override {
    MutexLock lock(&database_->mutex);
    const DeliveryRow* row = std::as_const(database_->tables).FindDelivery(key);
    if (row == nullptr) return DeliveryNotFoundError(key);
    std::vector<Attempt> attempts;
    for (auto i = row->attempts.upper_bound(after); i != row->attempts.end(); ++i) {
      if (static_cast<int>(attempts.size()) == limit) break;
      attempts.push_back(i->second);
    }
    return attempts;
  }

  absl::StatusOr<std::vector<WebhookWork>> LoadWork(WebhookKey after, int limit) override {
    MutexLock lock(&database_->mutex);
    std::vector<WebhookWork> work;
    for (auto of_webhook = database_->tables.deliveries.upper_bound(after);
         of_webhook != database_->tables.deliveries.end(); ++of_webhook) {
      if (static_cast<int>(work.size()) == limit) break;
      if (!database_->tables.webhooks.contains(of_webhook->first)) continue;
      absl::Time first_due = absl::InfiniteFuture();
      bool pending = false;
      for (const auto& [number, row] : of_webhook->second) {
        if (row.delivery.state != DeliveryState::kPending) continue;
        pending = true;
        first_due = std::min(first_due, row.delivery.due_time);
      }
      if (pending) work.push_back({of_webhook->first, first_due});
    }
    return work;
  }

  absl::StatusOr<DueDeliveries> LoadDue(WebhookKey webhook, absl::Time now, int limit,
                                        const absl::flat_hash_set<int64_t>& exclude) override {
    MutexLock lock(&database_->mutex);
    std::vector<const DeliveryRow*> candidates = StartableOf(webhook);
    std::erase_if(candidates, [&](const DeliveryRow* row) {
      return !row->delivery.order_key.empty() || exclude.contains(row->delivery.key.event_number);
    });
    std::map<int, std::vector<const DeliveryRow*>, std::greater<>> work;
    for (const DeliveryRow* row : candidates) work[row->delivery.priority].push_back(row);
    return ChooseFrom(work, now, limit);
  }

  absl::StatusOr<DueDeliveries> LoadHeads(
      WebhookKey webhook, absl::Time now, int limit,
      const absl::flat_hash_set<std::string>& exclude_order_keys) override {
    MutexLock lock(&database_->mutex);
    std::vector<const DeliveryRow*> heads = StartableOf(webhook);
    std::erase_if(heads, [&](const DeliveryRow* row) {
      return row->delivery.order_key.empty() ||
             exclude_order_keys.contains(row->delivery.order_key);
    });
    return ChooseFrom({{0, heads}}, now, limit);
  }

 private:
  std::vector<const DeliveryRow*> StartableOf(WebhookKey webhook)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_->mutex) {
    const auto of_webhook = database_->tables.deliveries.find(webhook);
    if (of_webhook == database_->tables.deliveries.end() ||
        !database_->tables.webhooks.contains(webhook))
      return {};
    return Startable(of_webhook->second);
  }

  const std::shared_ptr<Database> database_;
  HeldLeases held_leases_ ABSL_GUARDED_BY(database_->mutex);
};

}  // namespace
}  // namespace memory

std::shared_ptr<MemoryDatabase> MemoryDatabase::Make() {
  return std::make_shared<memory::Database>();
}

std::unique_ptr<Store> NewMemoryStore(std::shared_ptr<MemoryDatabase> database) {
  return NewClosableStore(std::make_unique<memory::MemoryStore>(
      std::static_pointer_cast<memory::Database>(std::move(database))));
}

}  // namespace latchwire
