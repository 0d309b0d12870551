// Counters of webhooks: read once and written once per transaction.
#include <algorithm>

#include "server/store/driver/delivery_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/rows.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kPutStats[] =
    "INSERT OR REPLACE INTO webhook_stats"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
constexpr char kDeleteStats[] = "DELETE FROM webhook_stats WHERE webhook = ?1";

constexpr char kMakePending[] =
    "UPDATE delivery SET state = 0, due = ?3, failures = 0, retried = ?3,"
    " expires = CASE WHEN state = 3 OR expires <= ?3 THEN NULL ELSE expires END"
    " WHERE webhook = ?1 AND number = ?2";

// A delivery became pending.
void LowerOldest(int64_t number, int64_t pending, int64_t* oldest) {
  *oldest = pending == 1 ? number : std::min(*oldest, number);
}

}  // namespace

absl::StatusOr<Transaction::StatsRow*> Transaction::GetStats(WebhookKey key) {
  const auto [entry, is_new] = stats_.try_emplace(key);
  StatsRow& row = entry->second;
  if (!is_new) return &row;
  row.stats.key = key;
  Query query = connection_.Use(kSelectStats);
  query.Int(PackedKey(key));
  if (query.Next()) {
    row.exists = true;
    row.stats = StatsFrom(query);
    row.oldest_pending = query.IntAt(kStatsColumns);
  }
  if (!query.status().ok()) {
    stats_.erase(entry);
    return query.status();
  }
  return &row;
}

void Transaction::Touch(StatsRow* row) {
  row->exists = row->changed = true;
  if (row->touched) return;
  row->touched = true;
  touched_.push_back(row);
}

void Transaction::CountNew(StatsRow* row, int64_t number, DeliveryState state) {
  latchwire::CountNew(state, &row->stats);
  if (state != DeliveryState::kPending) return;
  LowerOldest(number, row->stats.pending, &row->oldest_pending);
}

void Transaction::CountMove(StatsRow* row, int64_t number, DeliveryState from, DeliveryState to) {
  latchwire::CountMove(from, to, &row->stats);
  if (from == DeliveryState::kPending || to != DeliveryState::kPending) return;
  LowerOldest(number, row->stats.pending, &row->oldest_pending);
}

absl::Status Transaction::CountMove(DeliveryKey key, DeliveryState from, DeliveryState to) {
  const auto row = GetStats(key.webhook);
  if (!row.ok()) return row.status();
  Touch(*row);
  CountMove(*row, key.event_number, from, to);
  return LeaveWork(*row);
}

absl::Status Transaction::MakePendingAgain(DeliveryKey key, DeliveryState from, absl::Time now) {
  Query query = connection_.Use(kMakePending);
  query.Int(PackedKey(key.webhook)).Int(key.event_number).Int(PackTime(now));
  if (absl::Status status = query.Run(); !status.ok()) return status;
  return CountMove(key, from, DeliveryState::kPending);
}

std::vector<WebhookStats> Transaction::CollectStats() {
  std::vector<WebhookStats> collected;
  collected.reserve(touched_.size());
  for (StatsRow* row : touched_) {
    row->touched = false;
    collected.push_back(row->stats);
  }
  touched_.clear();
  return collected;
}

absl::Status Transaction::FlushStats() {
  for (auto& [key, row] : stats_) {
    if (!row.changed) continue;
    const WebhookStats& stats = row.stats;
    Query query = connection_.Use(kPutStats);
    query.Int(PackedKey(key)).Int(stats.pending).Int(stats.succeeded).Int(stats.dead);
    query.Int(stats.expired).Int(stats.dropped).Int(stats.consecutive_failures);
    query.Int(PackTime(stats.failing_since)).Int(PackTime(stats.last_failure_time));
    query.Text(stats.last_failure).Int(PackTime(stats.last_success_time));
    if (absl::Status status = query.Int(row.oldest_pending).Run(); !status.ok()) return status;
    row.changed = false;
  }
  return absl::OkStatus();
}

absl::Status Transaction::DropStats(WebhookKey key) {
  stats_.erase(key);
  return connection_.Use(kDeleteStats).Int(PackedKey(key)).Run();
}

}  // namespace latchwire::sqlite
