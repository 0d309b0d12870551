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

#include "server/store/mutation.h"

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

struct AgentCursor {
  uint64_t through = 0;
  std::optional<uint32_t> checksum;  // of the event at `through`, if there was one
};

struct Lease {
  std::string owner;
  int64_t fence = 0;
  absl::Time expire_time = absl::InfinitePast();
};

// What Tenant::stored_bytes counts of it.
int64_t StoredBytesOf(const NewEvent& incoming);

using AgentKey = std::pair<TenantId, std::string>;
using CursorKey = std::tuple<TenantId, std::string, uint64_t, int>;  // agent, epoch, lane

struct Tables {
  Tables() { tenants[kDefaultTenant]; }

  // Validates, then changes: a mutation that fails has changed nothing.
  void Apply(AppendEvents& append);
  void Apply(RecordDropped& dropped);
  void Apply(OpenAgentStream& open);
  void Apply(RecordOutcomes& record);
  void Apply(RetryDelivery& retry);
  void Apply(ExpireDeliveries& expire);
  void Apply(DeleteOldEvents& del);
  void Apply(CreateRecoveryJob& create);
  void Apply(StepRecoveryJob& step);
  void Apply(CancelRecoveryJob& cancel);
  void Apply(CreateTenant& create);
  void Apply(UpdateTenant& update);
  void Apply(CreateWebhook& create);
  void Apply(UpdateWebhook& update);
  void Apply(DeleteWebhook& del);
  void Apply(PurgeDeleted& purge);
  void Apply(CreateApiKey& create);
  void Apply(DeleteApiKey& del);
  void Apply(AcquireLeases& acquire);
  void Apply(ReleaseLeases& release);

  // Null when there is none, also when its webhook was deleted.
  const DeliveryRow* FindDelivery(DeliveryKey key) const;
  DeliveryRow* FindDelivery(DeliveryKey key);
  std::optional<int64_t> FindEvent(TenantId tenant, const std::string& id, int64_t first_day) const;

  std::map<TenantId, TenantRow> tenants;
  std::map<std::pair<TenantId, int64_t>, EventRow> events;
  std::map<int64_t, std::map<std::pair<TenantId, std::string>, int64_t>> ids_by_day;
  std::map<WebhookKey, Webhook> webhooks;
  std::map<WebhookKey, std::map<int64_t, DeliveryRow>> deliveries;
  std::set<WebhookKey> deleted_webhooks;  // those that still have rows
  std::map<AgentKey, int64_t> agent_fences;
  std::map<CursorKey, AgentCursor> agent_cursors;
  std::map<std::string, ApiKey> api_keys;
  std::array<Lease, kPartitionCount> leases;
  std::map<WebhookKey, WebhookStats> stats;
  std::map<std::pair<TenantId, int64_t>, RecoveryJob> recovery_jobs;  // by number

 private:
  absl::Status CheckStream(TenantId tenant, const AgentStream& stream) const;
  absl::Status CheckSequences(const AppendEvents& append, const AgentCursor& cursor) const;
  absl::Status FindDuplicates(const AppendEvents& append, uint64_t through,
                              std::vector<std::optional<int64_t>>* known) const;
  RecoveryJob* FindRecoveryJob(TenantId tenant, const std::string& id);
  // A delivery in another state becomes pending, and due now.
  void MakePendingAgain(DeliveryRow* row, absl::Time now);
  // False when it was passed over, because a delivery of it is pending and must not expire.
  bool DeleteEvent(DeleteOldEvents& del, TenantRow& tenant, int64_t number, bool expire);
  // The generation was checked.
  void ApplyMatched(AppendEvents& append, uint64_t through);
  absl::Status CheckGeneration(const AppendEvents& append) const;
  int64_t StoreEvent(const AppendEvents& append, NewEvent& incoming);

  // memory_stats.cc
  WebhookStats& Touch(WebhookKey key);
  void MoveTo(DeliveryRow* row, DeliveryState state);
  // Of every webhook whose counters were moved since it was last called: once per mutation.
  void TakeStats(std::vector<WebhookStats>* stats);
  // Fails, or drops what waits and marks the targets that are dropped at once.
  absl::Status MakeRoom(AppendEvents& append, const std::vector<bool>& is_new);
  std::set<WebhookKey> touched_;
};

}  // namespace latchwire::memory
