// The tables of the memory store, and the application of mutations to them. Not thread-safe.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "server/store/driver/agent_rules.h"
#include "server/store/driver/append_plan.h"
#include "server/store/driver/configuration_rules.h"
#include "server/store/driver/held_leases.h"
#include "server/store/store.h"

namespace latchwire::memory {

struct TenantRow {
  int64_t generation = 0;
  int64_t next_number = 1;
  int64_t next_uid = 1;
  Tenant tenant;  // settings, revision and what is stored; id and generation are not kept here

  int64_t last_minute = 0;         // of its events
  int64_t clean_number = 1;        // older events are gone or held
  std::set<int64_t> held_numbers;  // of events

  TenantRow() { tenant.revision = 1; }
};
Tenant TenantOf(TenantId id, const TenantRow& row);  // with its id and generation

struct EventRow {
  std::shared_ptr<const Event> event;
  std::vector<int64_t> webhooks;  // uids of its deliveries, ascending
  int64_t minute = 0;             // of its commit; never less than of the events before it
};

struct DeliveryRow {
  Delivery delivery;
  std::shared_ptr<const Event> event;
  std::map<int, Attempt> attempts;
};

using AgentKey = std::pair<TenantId, std::string>;
using CursorKey = std::tuple<TenantId, std::string, uint64_t, int>;  // agent, epoch, lane

struct Tables {
  Tables() { tenants[kDefaultTenant]; }

  // Each validates, then changes: a mutation that fails has changed nothing.
  template <typename M>
  using Answer = absl::StatusOr<typename M::Result>;
  Answer<AppendPublished> Apply(const AppendPublished& append);
  Answer<AppendFromAgent> Apply(const AppendFromAgent& append);
  Answer<RecordDropped> Apply(const RecordDropped& dropped);
  Answer<OpenAgentStream> Apply(const OpenAgentStream& open);
  Answer<RecordOutcomes> Apply(const RecordOutcomes& record);
  Answer<RetryDelivery> Apply(const RetryDelivery& retry);
  Answer<ExpireDeliveries> Apply(const ExpireDeliveries& expire);
  Answer<DeleteOldEvents> Apply(const DeleteOldEvents& del);
  Answer<CreateRecoveryJob> Apply(const CreateRecoveryJob& create);
  Answer<StepRecoveryJob> Apply(const StepRecoveryJob& step);
  Answer<CancelRecoveryJob> Apply(const CancelRecoveryJob& cancel);
  Answer<CreateTenant> Apply(const CreateTenant& create);
  Answer<UpdateTenant> Apply(const UpdateTenant& update);
  Answer<CreateWebhook> Apply(const CreateWebhook& create);
  Answer<UpdateWebhook> Apply(const UpdateWebhook& update);
  Answer<DeleteWebhook> Apply(const DeleteWebhook& del);
  Answer<PurgeDeleted> Apply(const PurgeDeleted& purge);
  Answer<CreateApiKey> Apply(const CreateApiKey& create);
  Answer<DeleteApiKey> Apply(const DeleteApiKey& del);
  Answer<AcquireLeases> Apply(const AcquireLeases& acquire);
  Answer<ReleaseLeases> Apply(const ReleaseLeases& release);

  Changes PollChanges(ChangeCursor after, int limit) const;
  // Null when there is none, also when its webhook was deleted.
  const DeliveryRow* FindDelivery(DeliveryKey key) const;
  DeliveryRow* FindDelivery(DeliveryKey key);
  std::optional<int64_t> FindEvent(TenantId tenant, const std::string& id, int64_t first_day) const;

  std::map<TenantId, TenantRow> tenants;
  std::map<std::pair<TenantId, int64_t>, EventRow> events;
  std::map<int64_t, std::map<std::pair<TenantId, std::string>, int64_t>> ids_by_day;
  std::map<WebhookKey, std::shared_ptr<const Webhook>> webhooks;
  std::map<WebhookKey, std::map<int64_t, DeliveryRow>> deliveries;
  std::set<WebhookKey> deleted_webhooks;  // those that still have rows
  std::map<AgentKey, int64_t> agent_fences;
  std::map<CursorKey, AgentCursor> agent_cursors;
  std::map<std::string, ApiKey> api_keys;
  std::array<Lease, kPartitionCount> leases;
  std::map<WebhookKey, WebhookStats> stats;
  std::map<std::pair<TenantId, int64_t>, RecoveryJob> recovery_jobs;  // by number
  ChangeCursor last_change = 0;
  std::map<TenantId, ChangeCursor> tenant_changes;  // the newest of each
  std::map<WebhookKey, ChangeCursor> work_changes;

  // Of the handle that writes.
  HeldLeases* held_leases = nullptr;

 private:
  absl::Status CheckStream(TenantId tenant, const AgentStream& stream) const;
  absl::StatusOr<AppendPlan> PlanAppend(const MatchedEvents& append, size_t repeated) const;
  absl::Status CheckGeneration(const MatchedEvents& append) const;
  // The generation was checked; the first `repeated` events are an agent's duplicates.
  absl::StatusOr<AppendResult> ApplyMatched(const MatchedEvents& append, size_t repeated);
  std::vector<absl::StatusOr<AppendResult>> ApplyOperational(
      absl::Span<const MatchedEvents> operational);
  void MakeRoom(TenantId tenant, const AppendPlan& plan, AppendResult* result);
  int64_t StoreEvent(const MatchedEvents& append, const NewEvent& incoming, AppendPlan* plan,
                     AppendResult* result);
  RecoveryJob* FindRecoveryJob(TenantId tenant, const std::string& id);
  // False when it was passed over, because a delivery of it is pending and must not expire.
  bool DeleteEvent(TenantId tenant_id, int64_t number, bool expire,
                   DeleteOldEvents::Result* result);

  // The tenant's configuration changes: its generation after that.
  int64_t ChangeConfiguration(TenantId tenant);
  // Deliveries of the webhook became pending or ended: tells whoever holds its lease.
  void LeaveWork(WebhookKey webhook);

  // memory_stats.cc
  WebhookStats& Touch(WebhookKey key);
  // The delivery is in another state, or pending anew, since it was in `from`.
  void Moved(const DeliveryRow& row, DeliveryState from);
  void MoveTo(DeliveryRow* row, DeliveryState state);
  void MakePendingAgain(DeliveryRow* row, absl::Time now);
  // Of every webhook whose counters were moved since it was last called: once per mutation.
  std::vector<WebhookStats> CollectStats();
  std::set<WebhookKey> touched_;
};

}  // namespace latchwire::memory
