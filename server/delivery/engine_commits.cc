// What commits mean for the engine: fresh deliveries, and work that others have made in the store.
#include <utility>

#include "server/delivery/engine.h"

namespace latchwire {

struct Engine::Committed {
  std::vector<PendingDelivery> fresh;
  size_t fresh_bytes = 0;
  std::vector<WebhookKey> left_to_store;  // there is work for them in the store
  std::vector<DeliveryKey> dropped;
  std::vector<Delivery> changed;        // pending ones, as they are now
  std::vector<WebhookKey> invalidated;  // whatever is in memory of them may have ended
};

void Engine::OnCommitted(absl::Span<const Mutation> mutations) {
  Committed committed;
  size_t& bytes = committed.fresh_bytes;
  int64_t dropped = 0;
  int64_t operational = 0;
  const auto leave = [&committed](const std::vector<WebhookKey>& webhooks) {
    committed.left_to_store.insert(committed.left_to_store.end(), webhooks.begin(), webhooks.end());
  };
  const absl::Duration commit_time = world_.clock->Monotonic();
  for (const Mutation& mutation : mutations) {
    if (!StatusOf(mutation).ok()) continue;
    const bool own = !std::holds_alternative<AppendEvents>(mutation);
    for (const AppendEvents& append : AppendsOf(mutation)) {
      dropped += static_cast<int64_t>(append.dropped.size());
      committed.dropped.insert(committed.dropped.end(), append.dropped.begin(),
                               append.dropped.end());
      for (const NewEvent& event : append.events) {
        if (event.result != NewEvent::Result::kStored) continue;
        operational += own;
        for (const DeliveryTarget& target : event.targets) {
          const WebhookKey key{append.tenant, target.webhook_uid};
          if (target.dropped) {
            ++dropped;
            continue;
          }
          if (fresh_bytes_.load(std::memory_order_relaxed) + bytes > options_.max_ready_bytes) {
            // The executor is far behind: let the store keep what it has.
            committed.left_to_store.push_back(key);
            continue;
          }
          PendingDelivery& pending = committed.fresh.emplace_back();
          pending.event = event.event;
          pending.commit_time = commit_time;
          pending.delivery.key = {key, event.event->number};
          pending.delivery.create_time = append.now;
          pending.delivery.due_time = append.now;
          pending.delivery.expire_time = target.expire_time;
          pending.delivery.priority = event.event->priority;
          pending.delivery.order_key = target.order_key;
          bytes += sizeof(PendingDelivery) + event.event->data.size();
        }
      }
    }
    if (const auto* retry = std::get_if<RetryDelivery>(&mutation)) {
      committed.changed.push_back(retry->delivery);
    } else if (const auto* expire = std::get_if<ExpireDeliveries>(&mutation)) {
      leave(expire->webhooks);  // what waits behind them goes on
    } else if (const auto* step = std::get_if<StepRecoveryJob>(&mutation)) {
      leave(step->webhooks);
    } else if (const auto* del = std::get_if<DeleteOldEvents>(&mutation)) {
      committed.invalidated.insert(committed.invalidated.end(), del->webhooks.begin(),
                                   del->webhooks.end());
    }
  }
  if (dropped > 0) counters_.dropped.fetch_add(dropped, std::memory_order_relaxed);
  if (operational > 0) {
    counters_.operational_events.fetch_add(operational, std::memory_order_relaxed);
  }
  if (committed.fresh.empty() && committed.left_to_store.empty() && committed.dropped.empty() &&
      committed.changed.empty() && committed.invalidated.empty()) {
    return;
  }
  fresh_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  world_.executor->Post(
      [this, committed = std::move(committed)]() mutable { OnPosted(std::move(committed)); });
}

void Engine::OnPosted(Committed committed) {
  fresh_bytes_.fetch_sub(committed.fresh_bytes, std::memory_order_relaxed);
  for (const WebhookKey& key : committed.left_to_store) {
    if (!Owns(key)) continue;
    if (Entry* entry = EntryFor(key)) {
      entry->queue->MarkStoreWork();
      Touch(key, *entry);
    }
  }
  for (const Delivery& delivery : committed.changed) {
    const WebhookKey key = delivery.key.webhook;
    if (!Owns(key)) continue;
    if (Entry* entry = EntryFor(key)) {
      entry->queue->Update(delivery);
      Touch(key, *entry);
    }
  }
  OnFresh(std::move(committed.fresh));
  // After the fresh ones: what was dropped may be among them.
  for (const DeliveryKey& key : committed.dropped) {
    if (Entry* entry = FindEntry(key.webhook)) {
      entry->queue->Drop(key.event_number);
      Touch(key.webhook, *entry);
    }
  }
  for (const WebhookKey& key : committed.invalidated) {
    if (Entry* entry = FindEntry(key)) {
      entry->queue->Invalidate();
      Touch(key, *entry);
    }
  }
  Dispatch();
}

void Engine::OnFresh(std::vector<PendingDelivery> fresh) {
  for (PendingDelivery& delivery : fresh) {
    const WebhookKey key = delivery.delivery.key.webhook;
    if (!Owns(key)) continue;
    Entry* entry = EntryFor(key);
    if (entry == nullptr) continue;  // deleted since
    // With the breaker half open the store knows which delivery should leave next.
    if (!MayAttempt(*entry) || entry->breaker.state() != BreakerState::kClosed ||
        !ready_share_.MayTake(entry->ready_bytes, entry->suspect)) {
      entry->queue->MarkStoreWork();
    } else {
      entry->queue->Offer(std::move(delivery));
    }
    Touch(key, *entry);
  }
}

}  // namespace latchwire
