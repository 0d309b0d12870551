// Counters of webhooks, and what they and the tenants' counters bound.
#include <algorithm>

#include "server/store/driver/driver_rules.h"
#include "server/store/driver/stats_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

WebhookStats& Tables::Touch(WebhookKey key) {
  touched_.insert(key);
  WebhookStats& of_webhook = stats[key];
  of_webhook.key = key;
  return of_webhook;
}

void Tables::MoveTo(DeliveryRow* row, DeliveryState state) {
  Delivery& delivery = row->delivery;
  CountMove(delivery.state, state, &Touch(delivery.key.webhook));
  delivery.state = state;
  if (state != DeliveryState::kPending) delivery.due_time = absl::Time();
}

void Tables::MakePendingAgain(DeliveryRow* row, absl::Time now) {
  Delivery& delivery = row->delivery;
  if (delivery.state == DeliveryState::kExpired || delivery.expire_time <= now) {
    delivery.expire_time = absl::InfiniteFuture();
  }
  MoveTo(row, DeliveryState::kPending);
  delivery.due_time = delivery.retry_time = ToStoredTime(now);
  delivery.failure_count = 0;
}

void Tables::TakeStats(std::vector<WebhookStats>* taken) {
  for (const WebhookKey& key : touched_) taken->push_back(stats.at(key));
  touched_.clear();
}

absl::Status Tables::MakeRoom(AppendEvents& append, const std::vector<bool>& is_new) {
  struct Room {
    int64_t max_pending = 0;
    OverflowPolicy overflow = OverflowPolicy::kReject;
    std::vector<DeliveryTarget*> incoming;
  };
  std::map<int64_t, Room> rooms;
  int64_t new_bytes = 0;
  for (size_t i = 0; i < append.events.size(); ++i) {
    if (!is_new[i]) continue;
    new_bytes += StoredBytesOf(append.events[i]);
    for (DeliveryTarget& target : append.events[i].targets) {
      if (target.max_pending == 0) continue;
      Room& room = rooms[target.webhook_uid];
      room.max_pending = target.max_pending;
      room.overflow = target.overflow;
      room.incoming.push_back(&target);
    }
  }
  if (append.max_stored_bytes > 0 && new_bytes > 0 &&
      tenants[append.tenant].tenant.stored_bytes + new_bytes > append.max_stored_bytes) {
    return QuotaExceededError("max_stored_bytes", append.max_stored_bytes, kStorageRetryAfter);
  }
  std::map<int64_t, int64_t> pending;
  for (const auto& [uid, room] : rooms) {
    const auto found = stats.find({append.tenant, uid});
    pending[uid] = found == stats.end() ? 0 : found->second.pending;
    const int64_t wanted = pending[uid] + static_cast<int64_t>(room.incoming.size());
    if (room.overflow == OverflowPolicy::kReject && wanted > room.max_pending) {
      return QueueFullError(uid, room.max_pending);
    }
  }
  for (auto& [uid, room] : rooms) {
    const WebhookKey webhook{append.tenant, uid};
    auto& rows = deliveries[webhook];
    auto oldest = rows.begin();
    auto oldest_new = room.incoming.begin();
    for (DeliveryTarget* target : room.incoming) {
      if (pending[uid] < room.max_pending) {
        ++pending[uid];
      } else if (room.overflow == OverflowPolicy::kDropNewest) {
        target->dropped = true;
      } else {
        while (oldest != rows.end() && oldest->second.delivery.state != DeliveryState::kPending) {
          ++oldest;
        }
        if (oldest == rows.end()) {
          (*oldest_new++)->dropped = true;
        } else {
          MoveTo(&oldest->second, DeliveryState::kDropped);
          append.dropped.push_back({webhook, oldest->first});
        }
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace latchwire::memory
