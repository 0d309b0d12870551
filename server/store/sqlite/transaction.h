// One write transaction: what it has read is kept until its end, and counters are written once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/mutation.h"
#include "server/store/sqlite/connection.h"

namespace latchwire::sqlite {

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

  absl::StatusOr<TenantRow*> GetTenant(TenantId tenant);
  absl::StatusOr<bool> WebhookExists(WebhookKey key);
  absl::StatusOr<int64_t> CurrentFence(int partition);  // 0: never leased

  // A status of the mutation's own goes to `own`.
  absl::Status CheckStream(TenantId tenant, const AgentStream& stream, absl::Status* own);
  absl::StatusOr<AgentCursor> GetCursor(TenantId tenant, const AgentStream& stream, int lane);
  absl::Status PutCursor(TenantId tenant, const AgentStream& stream, int lane,
                         const AgentCursor& cursor);

  static absl::Status CheckSequences(const AppendEvents& append, const AgentCursor& cursor);
  absl::Status FindDuplicates(AppendEvents& append, uint64_t through, std::vector<Known>* known);
  absl::Status WriteEvents(AppendEvents& append, uint64_t through, const std::vector<Known>& known,
                           TenantRow* tenant);
  absl::Status WriteEvent(const AppendEvents& append, const NewEvent& incoming, int64_t number);
  absl::Status LoadIdDays();
  absl::Status MoveIdDays(int64_t today);
  absl::StatusOr<int64_t> FindId(TenantId tenant, absl::string_view key, int64_t first_day);

  absl::Status CheckFences(RecordOutcomes& record);
  absl::Status RecordFirst(DeliveryOutcome& outcome, bool* recorded);
  absl::Status RecordLater(DeliveryOutcome& outcome);
  absl::StatusOr<int64_t> PurgeWebhook(int64_t key, int64_t limit);

  Connection& connection_;
  absl::flat_hash_map<TenantId, TenantRow> tenants_;
  absl::flat_hash_map<WebhookKey, bool> webhooks_;
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
