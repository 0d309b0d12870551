// One write transaction: what it has read is kept until its end, and counters are written once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/store/driver/agent_rules.h"
#include "server/store/driver/append_plan.h"
#include "server/store/driver/held_leases.h"
#include "server/store/mutations/mutation.h"
#include "server/store/sqlite/connection.h"

namespace latchwire::sqlite {

// What the cleaner must know of an event.
struct OldEvent {
  int64_t number = 0;
  int64_t bytes = 0;  // as Tenant::stored_bytes counts them
  bool is_held = false;
  std::vector<int64_t> webhooks;  // uids of its deliveries, ascending
};

// What a handle knows of the leases, from one transaction to the next.
struct LeaseView {
  HeldLeases held;
  // As stored, where they were looked up. Forgotten when another connection has written, or when a
  // transaction of ours was rolled back.
  std::array<std::optional<int64_t>, kPartitionCount> fences;
  int64_t data_version = -1;  // of the writing connection when they were read
};

// The connection is inside BEGIN IMMEDIATE for as long as a Transaction is used.
//
// Apply returns an error only when the database failed: then everything must be rolled back. What
// becomes of the mutation itself, its result or its own error, goes into `answer`. Every Apply checks
// first and writes then, so a mutation that fails by itself has written nothing and needs no
// savepoint.
class Transaction {
 public:
  template <typename M>
  using Answer = absl::StatusOr<typename M::Result>;

  // `leases` outlives the transaction.
  Transaction(Connection* connection, LeaseView* leases)
      : connection_(*connection), leases_(*leases) {}

  // append.cc
  absl::Status Apply(const AppendPublished& append, Answer<AppendPublished>& answer);
  // agents.cc
  absl::Status Apply(const AppendFromAgent& append, Answer<AppendFromAgent>& answer);
  absl::Status Apply(const RecordDropped& dropped, Answer<RecordDropped>& answer);
  absl::Status Apply(const OpenAgentStream& open, Answer<OpenAgentStream>& answer);
  // outcomes.cc
  absl::Status Apply(const RecordOutcomes& record, Answer<RecordOutcomes>& answer);
  absl::Status Apply(const RetryDelivery& retry, Answer<RetryDelivery>& answer);
  // expiry.cc
  absl::Status Apply(const ExpireDeliveries& expire, Answer<ExpireDeliveries>& answer);
  // retention.cc
  absl::Status Apply(const DeleteOldEvents& del, Answer<DeleteOldEvents>& answer);
  // recovery.cc
  absl::Status Apply(const CreateRecoveryJob& create, Answer<CreateRecoveryJob>& answer);
  absl::Status Apply(const StepRecoveryJob& step, Answer<StepRecoveryJob>& answer);
  absl::Status Apply(const CancelRecoveryJob& cancel, Answer<CancelRecoveryJob>& answer);
  // tenants.cc
  absl::Status Apply(const CreateTenant& create, Answer<CreateTenant>& answer);
  absl::Status Apply(const UpdateTenant& update, Answer<UpdateTenant>& answer);
  // configuration.cc
  absl::Status Apply(const CreateWebhook& create, Answer<CreateWebhook>& answer);
  absl::Status Apply(const UpdateWebhook& update, Answer<UpdateWebhook>& answer);
  absl::Status Apply(const DeleteWebhook& del, Answer<DeleteWebhook>& answer);
  absl::Status Apply(const PurgeDeleted& purge, Answer<PurgeDeleted>& answer);
  absl::Status Apply(const CreateApiKey& create, Answer<CreateApiKey>& answer);
  absl::Status Apply(const DeleteApiKey& del, Answer<DeleteApiKey>& answer);
  absl::Status Apply(const AcquireLeases& acquire, Answer<AcquireLeases>& answer);
  absl::Status Apply(const ReleaseLeases& release, Answer<ReleaseLeases>& answer);

  // Writes the counters that have moved. Before COMMIT, and before a savepoint is released.
  absl::Status Flush();

 private:
  struct TenantRow {
    bool exists = false;
    bool changed = false;  // it exists then, too
    int64_t generation = 0;
    int64_t next_number = 1;
    int64_t next_uid = 1;
    int64_t revision = 1;
    std::string settings;         // packed; empty: the defaults
    int64_t created = INT64_MIN;  // InfinitePast: not known
    int64_t stored_bytes = 0;
    int64_t stored_events = 0;
    int64_t last_minute = 0;
    int64_t clean_number = 1;
    int64_t next_job = 1;
    int64_t held_number = 1;  // of held events: where the cleaner looks on
    int64_t held_events = 0;
  };
  struct StatsRow {
    bool work_left = false;  // LeaveWork was called
    bool exists = false;     // a delivery of an existing webhook never is without one
    bool changed = false;    // since the last Flush
    bool touched = false;    // by the mutation that is being applied
    WebhookStats stats;
    int64_t oldest_pending = 0;  // no pending delivery has a lower number
  };

  absl::StatusOr<TenantRow*> GetTenant(TenantId tenant);
  // transaction.cc
  // The tenant's configuration changes: counts its generation up.
  int64_t ChangeConfiguration(TenantId id, TenantRow* tenant);
  // Deliveries of the webhook became pending or ended: tells whoever holds its lease, if that is
  // another handle.
  absl::Status LeaveWork(StatsRow* row);
  absl::Status FlushChanges();

  absl::StatusOr<bool> WebhookExists(WebhookKey key);
  absl::StatusOr<int64_t> CurrentFence(int partition);  // 0: never leased

  // A status of the mutation's own goes to `own`; so everywhere.
  absl::Status CheckStream(TenantId tenant, const AgentStream& stream, absl::Status* own);
  absl::StatusOr<AgentCursor> GetCursor(TenantId tenant, const AgentStream& stream, int lane);
  absl::Status PutCursor(TenantId tenant, const AgentStream& stream, int lane,
                         const AgentCursor& cursor);

  // stats.cc
  // Stays where it is until DropStats. Of a webhook without a row: zeros.
  absl::StatusOr<StatsRow*> GetStats(WebhookKey key);
  void Touch(StatsRow* row);
  static void CountNew(StatsRow* row, int64_t number, DeliveryState state);
  static void CountMove(StatsRow* row, int64_t number, DeliveryState from, DeliveryState to);
  // The delivery's row was or will be written by the caller.
  absl::Status CountMove(DeliveryKey key, DeliveryState from, DeliveryState to);
  // Makes a stored delivery that is in state `from` due at `now`, as RetryDelivery does.
  absl::Status MakePendingAgain(DeliveryKey key, DeliveryState from, absl::Time now);
  // Of every webhook whose counters were moved since it was last called: once per mutation.
  std::vector<WebhookStats> CollectStats();
  absl::Status FlushStats();
  absl::Status DropStats(WebhookKey key);

  absl::Status CheckGeneration(const MatchedEvents& append, absl::Status* own);
  // The generation was checked; the first `repeated` events are an agent's duplicates.
  absl::Status ApplyMatched(const MatchedEvents& append, size_t repeated,
                            absl::StatusOr<AppendResult>& answer);
  absl::Status ApplyOperational(absl::Span<const MatchedEvents> operational,
                                std::vector<absl::StatusOr<AppendResult>>* results);
  absl::Status FindKnown(const MatchedEvents& append, AppendPlan* plan, absl::Status* own);
  // overflow.cc
  absl::Status CheckRoom(const MatchedEvents& append, const TenantRow& tenant, AppendPlan* plan,
                         absl::Status* own);
  absl::Status CatchUp(WebhookKey webhook, int64_t incoming, StatsRow* row);
  absl::Status MakeRoom(TenantId tenant, const AppendPlan& plan, AppendResult* result);
  absl::Status PutMinute(const MatchedEvents& append, TenantRow* tenant);
  absl::Status WriteEvents(const MatchedEvents& append, AppendPlan* plan, TenantRow* tenant,
                           AppendResult* result);
  absl::Status WriteEvent(const MatchedEvents& append, const NewEvent& incoming, int64_t number);
  absl::Status WriteDeliveries(const MatchedEvents& append, const NewEvent& incoming,
                               int64_t number, AppendPlan* plan, AppendResult* result);
  absl::Status LoadIdDays();
  absl::Status MoveIdDays(int64_t today);
  absl::StatusOr<int64_t> FindId(TenantId tenant, absl::string_view key, int64_t first_day);

  absl::Status CheckFences(const RecordOutcomes& record, absl::Status* own);
  absl::StatusOr<RecordOutcomes::Recorded> RecordOne(const DeliveryOutcome& outcome);
  // False when it was not the first attempt of an untouched delivery.
  absl::StatusOr<bool> RecordFirst(const DeliveryOutcome& outcome, StatsRow* row);
  absl::StatusOr<RecordOutcomes::Recorded> RecordLater(const DeliveryOutcome& outcome,
                                                       StatsRow* row);
  absl::StatusOr<int64_t> PurgeWebhook(int64_t key, int64_t limit);

  // The first event number that was stored in `minute` or later; the next one if there is none.
  absl::StatusOr<int64_t> FirstNumberAt(TenantId tenant, int64_t minute);
  // A step of the cleaner.
  struct Cleaning {
    TenantId tenant_id;
    TenantRow& tenant;
    int64_t limit;
    int64_t end;       // older events go: those with lower numbers
    int64_t held_end;  // the same for those that have pending deliveries
    DeleteOldEvents::Result result;
  };
  absl::Status CleanHeld(Cleaning& step);
  absl::Status CleanNext(Cleaning& step);
  absl::Status CleanMinutes(const DeleteOldEvents& del, const TenantRow& tenant);
  absl::Status DeleteEvents(Cleaning& step, absl::Span<const OldEvent> events, bool expire);
  absl::StatusOr<std::vector<int64_t>> FindPending(Cleaning& step,
                                                   absl::Span<const OldEvent> events, bool expire);
  absl::Status DeleteRun(Cleaning& step, absl::Span<const OldEvent> run);

  absl::StatusOr<int64_t> FirstNumberFrom(TenantId tenant, absl::Time from);
  absl::Status AdvanceJob(const StepRecoveryJob& step, StepRecoveryJob::Result* result);
  // The number of deliveries looked at; less than `limit` when the webhook is done.
  absl::StatusOr<int64_t> AdvanceInWebhook(WebhookKey webhook, int64_t limit, absl::Time now,
                                           StepRecoveryJob::Result* result);
  absl::StatusOr<bool> EventFits(const RecoveryJob& job, int64_t number);

  Connection& connection_;
  absl::flat_hash_map<TenantId, TenantRow> tenants_;
  absl::flat_hash_map<WebhookKey, bool> webhooks_;
  absl::node_hash_map<WebhookKey, StatsRow> stats_;
  std::vector<StatsRow*> touched_;
  LeaseView& leases_;
  // To be written into the change feed.
  absl::btree_set<TenantId> changed_tenants_;
  absl::btree_set<WebhookKey> work_;
  std::optional<std::vector<int64_t>> id_days_;  // newest first
  std::optional<int64_t> insert_id_day_;
  std::string insert_id_sql_;
  std::string rest_;           // scratch
  std::string id_key_;         // scratch
  std::vector<int64_t> uids_;  // scratch
};

// The daily tables of event ids.
std::string IdTable(int64_t day);
std::string FindIdSql(int64_t day);  // (tenant, key) -> number
inline constexpr char kIdDaysSql[] = "SELECT day FROM event_id_day ORDER BY day DESC";

}  // namespace latchwire::sqlite
