#include "tests/sim/spy_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"

namespace latchwire::sim {
namespace {

// Mutations that are held back by kAnswerBeforeCommit.
constexpr size_t kLateOutcomes = 10;

class SpyStore : public Store {
 public:
  SpyStore(std::unique_ptr<Store> store, std::string owner, Ledger* ledger, Fault fault)
      : store_(std::move(store)), owner_(std::move(owner)), ledger_(ledger), fault_(fault) {}

  absl::Status Write(absl::Span<Mutation> mutations) override {
    std::vector<std::vector<int64_t>> fences;
    for (Mutation& mutation : mutations) fences.push_back(Prepare(&mutation));
    absl::Status status;
    if (fault_ == Fault::kAnswerBeforeCommit) {
      status = WriteLate(mutations);
    } else {
      status = store_->Write(mutations);
    }
    for (size_t i = 0; i < mutations.size(); ++i) {
      if (StatusOf(mutations[i]).ok()) {
        Observe(&mutations[i], fences[i]);
      } else if (ReasonOf(StatusOf(mutations[i])) == "FENCED") {
        for (const DeliveryOutcome& outcome : std::get<RecordOutcomes>(mutations[i]).outcomes) {
          ledger_->fenced.insert({owner_, outcome.key.webhook.uid, outcome.key.event_number});
        }
      }
    }
    return status;
  }

  absl::StatusOr<std::vector<Webhook>> LoadWebhooks(WebhookKey after, int limit) override {
    auto webhooks = store_->LoadWebhooks(after, limit);
    if (fault_ == Fault::kForgetLimits && webhooks.ok()) {
      for (Webhook& webhook : *webhooks) {
        webhook.rate_limit = {};
        webhook.circuit_breaker.failure_threshold = 0;
      }
    }
    return webhooks;
  }

  absl::StatusOr<std::vector<Tenant>> LoadTenants() override { return store_->LoadTenants(); }
  absl::StatusOr<std::vector<ApiKey>> LoadApiKeys() override { return store_->LoadApiKeys(); }
  absl::StatusOr<std::vector<WebhookStats>> LoadStats(WebhookKey after, int limit) override {
    return store_->LoadStats(after, limit);
  }
  absl::StatusOr<Event> GetEvent(TenantId tenant, int64_t number) override {
    return store_->GetEvent(tenant, number);
  }
  absl::StatusOr<int64_t> FindEvent(TenantId tenant, absl::string_view id) override {
    return store_->FindEvent(tenant, id);
  }
  absl::StatusOr<EventPage> ListEvents(TenantId tenant, const EventFilter& filter, int64_t before,
                                       int limit) override {
    return store_->ListEvents(tenant, filter, before, limit);
  }
  absl::StatusOr<PendingDelivery> GetDelivery(DeliveryKey key) override {
    return store_->GetDelivery(key);
  }
  absl::StatusOr<DeliveryPage> ListDeliveries(TenantId tenant, const DeliveryFilter& filter,
                                              DeliveryCursor after, int limit) override {
    return store_->ListDeliveries(tenant, filter, after, limit);
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(DeliveryKey key, int after,
                                                    int limit) override {
    return store_->ListAttempts(key, after, limit);
  }
  absl::StatusOr<std::vector<WebhookWork>> LoadWork(WebhookKey after, int limit) override {
    return store_->LoadWork(after, limit);
  }
  absl::StatusOr<DueDeliveries> LoadDue(WebhookKey webhook, absl::Time now, int limit,
                                        const absl::flat_hash_set<int64_t>& exclude) override {
    return Loaded(store_->LoadDue(webhook, now, limit, exclude));
  }
  absl::StatusOr<DueDeliveries> LoadHeads(
      WebhookKey webhook, absl::Time now, int limit,
      const absl::flat_hash_set<std::string>& exclude_order_keys) override {
    return Loaded(store_->LoadHeads(webhook, now, limit, exclude_order_keys));
  }
  absl::StatusOr<RecoveryJob> GetRecoveryJob(TenantId tenant, absl::string_view id) override {
    return store_->GetRecoveryJob(tenant, id);
  }
  absl::StatusOr<std::vector<RecoveryJob>> ListRecoveryJobs(TenantId tenant, int64_t before,
                                                            int limit) override {
    return store_->ListRecoveryJobs(tenant, before, limit);
  }
  absl::StatusOr<std::vector<RecoveryJob>> LoadRunningRecoveryJobs() override {
    return store_->LoadRunningRecoveryJobs();
  }

 private:
  absl::StatusOr<DueDeliveries> Loaded(absl::StatusOr<DueDeliveries> due) {
    if (fault_ == Fault::kSendExpired && due.ok()) {
      for (PendingDelivery& pending : due->deliveries) {
        pending.delivery.expire_time = absl::InfiniteFuture();
      }
    }
    return due;
  }

  // Breaks what the fault says; the fences that the outcomes came with.
  std::vector<int64_t> Prepare(Mutation* mutation) {
    std::vector<int64_t> fences;
    if (auto* record = std::get_if<RecordOutcomes>(mutation)) {
      for (DeliveryOutcome& outcome : record->outcomes) {
        fences.push_back(outcome.fence);
        const int partition = PartitionOf(outcome.key.webhook);
        if (fault_ == Fault::kSkipFenceCheck) outcome.fence = ledger_->fences[partition];
        if (fault_ == Fault::kForgetOutcomes && ++outcomes_ % 100 == 0) {
          outcome.state = DeliveryState::kPending;  // as if nothing had been attempted
          outcome.attempt.number = 0;
        }
      }
    } else if (auto* append = std::get_if<AppendEvents>(mutation)) {
      if (fault_ == Fault::kLoseDeliveries && ++appends_ % 10 == 0) {
        for (NewEvent& event : append->events) event.targets.clear();
      }
    }
    return fences;
  }

  // Outcomes are answered now and written with the next call.
  absl::Status WriteLate(absl::Span<Mutation> mutations) {
    std::vector<Mutation> now;
    if (late_.size() >= kLateOutcomes) now.swap(late_);
    const size_t first = now.size();
    std::vector<size_t> places;
    for (size_t i = 0; i < mutations.size(); ++i) {
      if (auto* record = std::get_if<RecordOutcomes>(&mutations[i])) {
        late_.push_back(*record);
        for (DeliveryOutcome& outcome : record->outcomes) {
          outcome.result = DeliveryOutcome::Result::kRecorded;
        }
        record->status = absl::OkStatus();
      } else {
        places.push_back(i);
        now.push_back(std::move(mutations[i]));
      }
    }
    absl::Status status = now.empty() ? absl::OkStatus() : store_->Write(absl::MakeSpan(now));
    for (size_t i = 0; i < places.size(); ++i) mutations[places[i]] = std::move(now[first + i]);
    return status;
  }

  void Observe(Mutation* mutation, const std::vector<int64_t>& fences) {
    for (const AppendEvents& append : AppendsOf(*mutation)) {
      for (const NewEvent& event : append.events) {
        for (const DeliveryTarget& target : event.targets) {
          const WebhookKey key{append.tenant, target.webhook_uid};
          if (ledger_->owners[PartitionOf(key)] == owner_) continue;
          ledger_->foreign.insert({target.webhook_uid, event.event->number});
        }
      }
    }
    if (const auto* leases = std::get_if<AcquireLeases>(mutation)) {
      bool changed = false;
      for (int i = 0; i < kPartitionCount; ++i) {
        if (leases->fences[i] <= ledger_->fences[i]) continue;
        changed = changed || (ledger_->fences[i] != 0 && ledger_->owners[i] != leases->owner);
        ledger_->fences[i] = leases->fences[i];
        ledger_->owners[i] = leases->owner;
      }
      ledger_->changes_of_owner += changed;
      if (changed) ledger_->last_change_of_owner = leases->now;
    } else if (auto* record = std::get_if<RecordOutcomes>(mutation)) {
      if (fault_ == Fault::kMiscount) {
        for (WebhookStats& stats : record->stats) ++stats.succeeded;
      }
      for (size_t i = 0; i < fences.size(); ++i) {
        const DeliveryOutcome& outcome = record->outcomes[i];
        if (fences[i] != ledger_->fences[PartitionOf(outcome.key.webhook)]) {
          ledger_->violations.push_back(
              absl::StrCat("an outcome of webhook ", outcome.key.webhook.uid, ", event ",
                           outcome.key.event_number, " was recorded under a lost lease"));
        }
      }
    }
  }

  const std::unique_ptr<Store> store_;
  const std::string owner_;
  Ledger* const ledger_;
  const Fault fault_;
  int appends_ = 0;
  int outcomes_ = 0;
  std::vector<Mutation> late_;
};

}  // namespace

std::unique_ptr<Store> NewSpyStore(std::unique_ptr<Store> store, std::string owner, Ledger* ledger,
                                   Fault fault) {
  return std::make_unique<SpyStore>(std::move(store), std::move(owner), ledger, fault);
}

}  // namespace latchwire::sim
