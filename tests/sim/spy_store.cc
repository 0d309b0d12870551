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

  absl::Status Write(absl::Span<const Mutation> mutations,
                     absl::Span<MutationResult> results) override {
    std::vector<Mutation> changed(mutations.begin(), mutations.end());
    for (Mutation& mutation : changed) Break(&mutation);
    absl::Status status;
    if (fault_ == Fault::kAnswerBeforeCommit) {
      status = WriteLate(changed, results);
    } else {
      status = store_->Write(changed, results);
    }
    const WrittenBatch batch(mutations, results);
    Observe(batch);
    for (size_t i = 0; i < mutations.size(); ++i) {
      if (ReasonOf(results[i].status()) == "FENCED") {
        for (const DeliveryOutcome& outcome : std::get<RecordOutcomes>(mutations[i]).outcomes) {
          ledger_->fenced.insert({owner_, outcome.key.webhook.uid, outcome.key.event_number});
        }
      }
      if (fault_ == Fault::kMiscount && results[i].ok()) {
        if (auto* recorded = std::get_if<RecordOutcomes::Result>(&*results[i])) {
          for (WebhookStats& stats : recorded->stats) ++stats.succeeded;
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

  absl::Status Ready() override { return store_->Ready(); }
  void Close() override { store_->Close(); }
  absl::StatusOr<Changes> PollChanges(ChangeCursor after, int limit) override {
    return store_->PollChanges(after, limit);
  }
  absl::StatusOr<std::vector<Tenant>> LoadTenants() override { return store_->LoadTenants(); }
  absl::StatusOr<Tenant> GetTenant(TenantId tenant) override { return store_->GetTenant(tenant); }
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

  // Breaks what the fault says.
  void Break(Mutation* mutation) {
    if (auto* record = std::get_if<RecordOutcomes>(mutation)) {
      for (DeliveryOutcome& outcome : record->outcomes) {
        const int partition = PartitionOf(outcome.key.webhook);
        if (fault_ == Fault::kSkipFenceCheck) outcome.fence = ledger_->fences[partition];
        if (fault_ == Fault::kForgetOutcomes && ++outcomes_ % 100 == 0) {
          outcome.state = DeliveryState::kPending;  // as if nothing had been attempted
          outcome.attempt.number = 0;
        }
      }
    } else if (auto* append = std::get_if<AppendPublished>(mutation)) {
      if (fault_ == Fault::kLoseDeliveries && ++appends_ % 10 == 0) {
        for (NewEvent& event : append->events) event.targets.clear();
      }
    }
  }

  // Outcomes are answered now and written with the next call.
  absl::Status WriteLate(absl::Span<const Mutation> mutations, absl::Span<MutationResult> results) {
    std::vector<Mutation> now;
    if (late_.size() >= kLateOutcomes) now.swap(late_);
    const size_t first = now.size();
    std::vector<size_t> places;
    for (size_t i = 0; i < mutations.size(); ++i) {
      if (const auto* record = std::get_if<RecordOutcomes>(&mutations[i])) {
        late_.push_back(*record);
        RecordOutcomes::Result recorded;
        recorded.outcomes.assign(record->outcomes.size(), RecordOutcomes::Recorded::kRecorded);
        recorded.operational.assign(record->operational.size(), absl::CancelledError("late"));
        results[i] = std::move(recorded);
      } else {
        places.push_back(i);
        now.push_back(mutations[i]);
      }
    }
    std::vector<MutationResult> written(now.size());
    absl::Status status =
        now.empty() ? absl::OkStatus() : store_->Write(now, absl::MakeSpan(written));
    for (size_t i = 0; i < places.size(); ++i) results[places[i]] = std::move(written[first + i]);
    return status;
  }

  void Observe(const WrittenBatch& batch) {
    batch.ForEachAppend([this](const MatchedEvents& append, const AppendResult& result, bool) {
      for (size_t i = 0; i < append.events.size(); ++i) {
        for (const DeliveryTarget& target : append.events[i].targets) {
          const WebhookKey key{append.tenant, target.webhook_uid};
          if (ledger_->owners[PartitionOf(key)] == owner_) continue;
          ledger_->foreign.insert({target.webhook_uid, result.events[i].number});
        }
      }
    });
    batch.ForEach(
        Visitor{[this](const AcquireLeases& acquire, const AcquireLeases::Result& acquired) {
                  ObserveLeases(acquire, acquired);
                },
                [this](const RecordOutcomes& record, const RecordOutcomes::Result&) {
                  for (const DeliveryOutcome& outcome : record.outcomes) {
                    if (outcome.fence == ledger_->fences[PartitionOf(outcome.key.webhook)])
                      continue;
                    ledger_->violations.push_back(
                        absl::StrCat("an outcome of webhook ", outcome.key.webhook.uid, ", event ",
                                     outcome.key.event_number, " was recorded under a lost lease"));
                  }
                }});
  }

  void ObserveLeases(const AcquireLeases& acquire, const AcquireLeases::Result& acquired) {
    bool changed = false;
    for (int i = 0; i < kPartitionCount; ++i) {
      if (acquired.fences[i] <= ledger_->fences[i]) continue;
      changed = changed || (ledger_->fences[i] != 0 && ledger_->owners[i] != acquire.owner);
      ledger_->fences[i] = acquired.fences[i];
      ledger_->owners[i] = acquire.owner;
    }
    ledger_->changes_of_owner += changed;
    if (changed) ledger_->last_change_of_owner = acquire.now;
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
