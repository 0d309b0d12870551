// What bounds an append: max_pending of each webhook and the tenant's stored bytes. All of it is
// decided before anything is written.
#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kDropDelivery[] =
    "UPDATE delivery SET state = 4, due = NULL WHERE webhook = ?1 AND number = ?2";
// Deliveries that an append looks at beyond as many as it brings.
constexpr int64_t kCatchUpRows = 64;
constexpr char kPutMinute[] = "INSERT OR IGNORE INTO event_minute VALUES(?1, ?2, ?3)";

}  // namespace

absl::Status Transaction::CheckRoom(const MatchedEvents& append, const TenantRow& tenant,
                                    AppendPlan* plan, absl::Status* own) {
  *own = plan->CountNew(tenant.stored_bytes);
  if (!own->ok()) return absl::OkStatus();
  for (const auto& [uid, room] : plan->rooms()) {
    const auto row = GetStats({append.tenant, uid});
    if (!row.ok()) return row.status();
    *own = plan->SetPending(uid, (*row)->stats.pending);
    if (!own->ok()) return absl::OkStatus();
  }
  return absl::OkStatus();
}

// Moves `oldest_pending` on past deliveries that have ended, faster than new ones come, so that the
// day on which something must be dropped does not begin with a look at all that ever was.
absl::Status Transaction::CatchUp(WebhookKey webhook, int64_t incoming, StatsRow* row) {
  Query query = connection_.Use(kStatesFrom);
  query.Int(PackedKey(webhook)).Int(row->oldest_pending).Int(incoming + kCatchUpRows);
  while (query.Next()) {
    row->oldest_pending = query.IntAt(0);
    if (query.IntAt(1) == static_cast<int>(DeliveryState::kPending)) break;
    ++row->oldest_pending;
  }
  return query.status();
}

absl::Status Transaction::MakeRoom(TenantId tenant, const AppendPlan& plan, AppendResult* result) {
  for (const auto& [uid, room] : plan.rooms()) {
    if (room.overflow != OverflowPolicy::kDropOldest) continue;
    const WebhookKey webhook{tenant, uid};
    const auto row = GetStats(webhook);
    if (!row.ok()) return row.status();
    if (absl::Status status = CatchUp(webhook, room.incoming, *row); !status.ok()) return status;
    if (room.drop_stored == 0) continue;
    std::vector<int64_t> oldest;
    {
      Query query = connection_.Use(kOldestPending);
      query.Int(PackedKey(webhook)).Int((*row)->oldest_pending).Int(room.drop_stored);
      while (query.Next()) oldest.push_back(query.IntAt(0));
      if (!query.status().ok()) return query.status();
    }
    for (const int64_t number : oldest) {
      absl::Status status =
          connection_.Use(kDropDelivery).Int(PackedKey(webhook)).Int(number).Run();
      if (!status.ok()) return status;
      Touch(*row);
      CountMove(*row, number, DeliveryState::kPending, DeliveryState::kDropped);
      (*row)->oldest_pending = number + 1;
      result->dropped_old.push_back({webhook, number});
    }
  }
  return absl::OkStatus();
}

// How old events are: the first number of each minute. A clock that was set back changes nothing
// until it has caught up.
absl::Status Transaction::PutMinute(const MatchedEvents& append, TenantRow* tenant) {
  const int64_t minute = MinuteOf(append.now);
  if (minute <= tenant->last_minute) return absl::OkStatus();
  tenant->last_minute = minute;
  tenant->changed = true;
  Query query = connection_.Use(kPutMinute);
  return query.Int(append.tenant).Int(minute).Int(tenant->next_number).Run();
}

}  // namespace latchwire::sqlite
