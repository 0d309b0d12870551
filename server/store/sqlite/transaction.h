// One write transaction: what it has read is kept until its end, and counters are written once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/store/mutation.h"
#include "server/store/sqlite/connection.h"

namespace latchwire::sqlite {

// What the cleaner must know of an event.
struct OldEvent {
  int64_t number = 0;
  int64_t bytes = 0;  // as Tenant::stored_bytes counts them
  bool is_held = false;
  std::vector<int64_t> webhooks;  // uids of its deliveries, ascending
};

// The connection is inside BEGIN IMMEDIATE for as long as a Transaction is used.
//
// Apply returns an error only when the database failed: then everything must be rolled back. What a
// mutation itself has done wrong goes into its status. Every Apply checks first and writes then, so
// a mutation with a status of its own has written nothing and needs no savepoint.
class Transaction {
 public:
  explicit Transaction(Connection* connection) : connection_(*connection) {}

  // append.cc
  absl::Status Apply(AppendEvents& append);
  // agents.cc
  absl::Status Apply(RecordDropped& dropped);
  absl::Status Apply(OpenAgentStream& open);
  // outcomes.cc
  absl::Status Apply(RecordOutcomes& record);
  absl::Status Apply(RetryDelivery& retry);
  // expiry.cc
  absl::Status Apply(ExpireDeliveries& expire);
  // retention.cc
  absl::Status Apply(DeleteOldEvents& del);
  // recovery.cc
  absl::Status Apply(CreateRecoveryJob& create);
  absl::Status Apply(StepRecoveryJob& step);
  absl::Status Apply(CancelRecoveryJob& cancel);
  // tenants.cc
  absl::Status Apply(CreateTenant& create);
  absl::Status Apply(UpdateTenant& update);
  // configuration.cc
  absl::Status Apply(CreateWebhook& create);
  absl::Status Apply(UpdateWebhook& update);
  absl::Status Apply(DeleteWebhook& del);
  absl::Status Apply(PurgeDeleted& purge);
  absl::Status Apply(CreateApiKey& create);
  absl::Status Apply(DeleteApiKey& del);
  absl::Status Apply(AcquireLeases& acquire);
  absl::Status Apply(ReleaseLeases& release);

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
  struct AgentCursor {
    uint64_t through = 0;
    std::optional<uint32_t> checksum;  // of the event at `through`, if there was one
  };
  // A known event: `number`, or the one at index `repeats` of the same mutation.
  struct Known {
    int64_t number = 0;
    std::optional<size_t> repeats;
  };
  struct StatsRow {
    bool exists = false;   // a delivery of an existing webhook never is without one
    bool changed = false;  // since the last Flush
    bool touched = false;  // by the mutation that is being applied
    WebhookStats stats;
    int64_t oldest_pending = 0;  // no pending delivery has a lower number
  };
  // Of a webhook with max_pending, for the new deliveries of one mutation.
  struct Room {
    int64_t max_pending = 0;
    OverflowPolicy overflow = OverflowPolicy::kReject;
    int64_t incoming = 0;
    int64_t drop_stored = 0;  // so many that wait make room, the oldest first
    int64_t drop_first = 0;   // of the new ones, so many at the beginning are dropped
    int64_t keep_first = 0;   // of the others, all but so many at the beginning
  };
  // What an append will do, all checked.
  struct AppendPlan {
    std::vector<Known> known;
    absl::btree_map<int64_t, Room> rooms;  // by uid, of webhooks with a limit only
    int64_t new_events = 0;
    int64_t new_bytes = 0;
  };

  absl::StatusOr<TenantRow*> GetTenant(TenantId tenant);
  absl::StatusOr<bool> WebhookExists(WebhookKey key);
  absl::StatusOr<int64_t> CurrentFence(int partition);  // 0: never leased

  // A status of the mutation's own goes to `own`.
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
  void TakeStats(std::vector<WebhookStats>* stats);
  absl::Status FlushStats();
  absl::Status DropStats(WebhookKey key);

  static absl::Status CheckSequences(const AppendEvents& append, const AgentCursor& cursor);
  absl::Status CheckGeneration(const AppendEvents& append, absl::Status* own);
  // The generation was checked. `cursor` is an agent's.
  absl::Status ApplyMatched(AppendEvents& append, uint64_t through);
  absl::Status FindDuplicates(AppendEvents& append, uint64_t through, std::vector<Known>* known);
  // overflow.cc
  static bool IsNew(const AppendEvents& append, uint64_t through, const AppendPlan& plan,
                    size_t index);
  absl::Status CheckRoom(AppendEvents& append, uint64_t through, const TenantRow& tenant,
                         AppendPlan* plan);
  absl::Status CatchUp(WebhookKey webhook, int64_t incoming, StatsRow* row);
  absl::Status MakeRoom(AppendEvents& append, const AppendPlan& plan);
  // Whether the next new delivery to `target` is dropped at once; takes it off the plan.
  static bool IsDropped(const DeliveryTarget& target, AppendPlan* plan);
  absl::Status PutMinute(const AppendEvents& append, TenantRow* tenant);
  absl::Status WriteEvents(AppendEvents& append, uint64_t through, AppendPlan* plan,
                           TenantRow* tenant);
  absl::Status WriteEvent(const AppendEvents& append, NewEvent& incoming, int64_t number,
                          AppendPlan* plan);
  absl::Status WriteDeliveries(const AppendEvents& append, NewEvent& incoming, int64_t number,
                               AppendPlan* plan);
  absl::Status LoadIdDays();
  absl::Status MoveIdDays(int64_t today);
  absl::StatusOr<int64_t> FindId(TenantId tenant, absl::string_view key, int64_t first_day);

  absl::Status CheckFences(RecordOutcomes& record);
  absl::Status RecordFirst(DeliveryOutcome& outcome, StatsRow* row, bool* recorded);
  absl::Status RecordLater(DeliveryOutcome& outcome, StatsRow* row);
  absl::StatusOr<int64_t> PurgeWebhook(int64_t key, int64_t limit);

  // The first event number that was stored in `minute` or later; the next one if there is none.
  absl::StatusOr<int64_t> FirstNumberAt(TenantId tenant, int64_t minute);
  absl::Status CleanHeld(DeleteOldEvents& del, TenantRow& tenant, int64_t end, int64_t held_end);
  absl::Status CleanNext(DeleteOldEvents& del, TenantRow& tenant, int64_t end, int64_t held_end);
  absl::Status CleanMinutes(const DeleteOldEvents& del, const TenantRow& tenant);
  absl::Status DeleteEvents(DeleteOldEvents& del, TenantRow& tenant,
                            absl::Span<const OldEvent> events, bool expire);
  absl::Status DeleteRun(DeleteOldEvents& del, TenantRow& tenant, absl::Span<const OldEvent> run);

  absl::StatusOr<int64_t> FirstNumberFrom(TenantId tenant, absl::Time from);
  absl::Status AdvanceJob(StepRecoveryJob& step);
  // The number of deliveries looked at; less than `limit` when the webhook is done.
  absl::StatusOr<int64_t> AdvanceInWebhook(WebhookKey webhook, int64_t limit,
                                           StepRecoveryJob& step);
  absl::StatusOr<bool> EventFits(const RecoveryJob& job, int64_t number);

  Connection& connection_;
  absl::flat_hash_map<TenantId, TenantRow> tenants_;
  absl::flat_hash_map<WebhookKey, bool> webhooks_;
  absl::node_hash_map<WebhookKey, StatsRow> stats_;
  std::vector<StatsRow*> touched_;
  std::array<std::optional<int64_t>, kPartitionCount> fences_;
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
