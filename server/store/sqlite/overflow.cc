// What bounds an append: max_pending of each webhook and the tenant's stored bytes. All of it is
// decided before anything is written.
#include <algorithm>

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

bool Transaction::IsNew(const AppendEvents& append, uint64_t through, const AppendPlan& plan,
                        size_t index) {
  if (append.from_agent && append.events[index].sequence <= through) return false;
  return plan.known.empty() ||
         (plan.known[index].number == 0 && !plan.known[index].repeats.has_value());
}

absl::Status Transaction::CheckRoom(AppendEvents& append, uint64_t through, const TenantRow& tenant,
                                    AppendPlan* plan) {
  for (size_t i = 0; i < append.events.size(); ++i) {
    if (!IsNew(append, through, *plan, i)) continue;
    const Event& event = *append.events[i].event;
    const auto& targets = append.events[i].targets;
    ++plan->new_events;
    plan->new_bytes += StoredBytes(
        event.id.size() + event.type.size() + event.source.size() + event.subject.size(),
        event.data.size(), targets.size());
    for (const DeliveryTarget& target : targets) {
      if (target.max_pending <= 0) continue;
      Room& room = plan->rooms[target.webhook_uid];
      room.max_pending = target.max_pending;
      room.overflow = target.overflow;
      ++room.incoming;
    }
  }
  if (append.max_stored_bytes > 0 && plan->new_events > 0 &&
      tenant.stored_bytes + plan->new_bytes > append.max_stored_bytes) {
    append.status =
        QuotaExceededError("max_stored_bytes", append.max_stored_bytes, kStorageRetryAfter);
    return absl::OkStatus();
  }
  for (auto& [uid, room] : plan->rooms) {
    const auto row = GetStats({append.tenant, uid});
    if (!row.ok()) return row.status();
    const int64_t pending = (*row)->stats.pending;
    const int64_t fitting = std::clamp<int64_t>(room.max_pending - pending, 0, room.incoming);
    const int64_t excess = room.incoming - fitting;
    room.keep_first = room.incoming;
    if (excess == 0) continue;
    switch (room.overflow) {
      case OverflowPolicy::kReject:
        append.status = QueueFullError(uid, room.max_pending);
        return absl::OkStatus();
      case OverflowPolicy::kDropNewest:
        room.keep_first = fitting;
        break;
      case OverflowPolicy::kDropOldest:
        // Each new one takes the place of one; when none is left, of the first new ones.
        room.drop_stored = std::min(excess, pending);
        room.drop_first = excess - room.drop_stored;
        break;
    }
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

absl::Status Transaction::MakeRoom(AppendEvents& append, const AppendPlan& plan) {
  for (const auto& [uid, room] : plan.rooms) {
    if (room.overflow != OverflowPolicy::kDropOldest) continue;
    const WebhookKey webhook{append.tenant, uid};
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
      append.dropped.push_back({webhook, number});
    }
  }
  return absl::OkStatus();
}

bool Transaction::IsDropped(const DeliveryTarget& target, AppendPlan* plan) {
  if (plan->rooms.empty()) return false;
  const auto found = plan->rooms.find(target.webhook_uid);
  if (found == plan->rooms.end()) return false;
  Room& room = found->second;
  if (room.drop_first > 0) {
    --room.drop_first;
    return true;
  }
  return room.keep_first-- <= 0;
}

// How old events are: the first number of each minute. A clock that was set back changes nothing
// until it has caught up.
absl::Status Transaction::PutMinute(const AppendEvents& append, TenantRow* tenant) {
  const int64_t minute = MinuteOf(append.now);
  if (minute <= tenant->last_minute) return absl::OkStatus();
  tenant->last_minute = minute;
  tenant->changed = true;
  Query query = connection_.Use(kPutMinute);
  return query.Int(append.tenant).Int(minute).Int(tenant->next_number).Run();
}

}  // namespace latchwire::sqlite
