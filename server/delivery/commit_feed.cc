#include "server/delivery/commit_feed.h"

#include <utility>

#include "core/base/check.h"

namespace latchwire {
namespace {

template <typename T>
void Append(const std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void CommitFeed::OnCommitted(absl::Span<const Mutation> mutations) {
  Changes changes;
  const absl::Duration commit_time = world_.clock->Monotonic();
  for (const Mutation& mutation : mutations) {
    if (StatusOf(mutation).ok()) Gather(mutation, commit_time, changes);
  }
  if (changes.dropped_count > 0) Count(world_.counters->dropped, changes.dropped_count);
  if (changes.operational_count > 0) {
    Count(world_.counters->operational_events, changes.operational_count);
  }
  if (changes.empty()) return;
  posted_bytes_.fetch_add(changes.fresh_bytes, std::memory_order_relaxed);
  world_.executor->Post(
      [this, changes = std::move(changes)]() mutable { Apply(std::move(changes)); });
}

void CommitFeed::Gather(const Mutation& mutation, absl::Duration commit_time,
                        Changes& changes) const {
  const bool operational = !std::holds_alternative<AppendEvents>(mutation);
  for (const AppendEvents& append : AppendsOf(mutation)) {
    changes.dropped_count += static_cast<int64_t>(append.dropped.size());
    Append(append.dropped, changes.dropped);
    for (const NewEvent& event : append.events) {
      if (event.result != NewEvent::Result::kStored) continue;
      changes.operational_count += operational;
      GatherFresh(append, event, commit_time, changes);
    }
  }
  if (const auto* retry = std::get_if<RetryDelivery>(&mutation)) {
    changes.changed.push_back(retry->delivery);
  } else if (const auto* expire = std::get_if<ExpireDeliveries>(&mutation)) {
    Append(expire->webhooks, changes.left_to_store);  // what waits behind them goes on
  } else if (const auto* step = std::get_if<StepRecoveryJob>(&mutation)) {
    Append(step->webhooks, changes.left_to_store);
  } else if (const auto* del = std::get_if<DeleteOldEvents>(&mutation)) {
    Append(del->webhooks, changes.invalidated);
  }
}

void CommitFeed::GatherFresh(const AppendEvents& append, const NewEvent& event,
                             absl::Duration commit_time, Changes& changes) const {
  for (const DeliveryTarget& target : event.targets) {
    const WebhookKey key{append.tenant, target.webhook_uid};
    if (target.dropped) {
      ++changes.dropped_count;
      continue;
    }
    if (posted_bytes_.load(std::memory_order_relaxed) + changes.fresh_bytes > max_posted_bytes_) {
      changes.left_to_store.push_back(key);  // the executor is far behind
      continue;
    }
    PendingDelivery& pending = changes.fresh.emplace_back();
    pending.event = event.event;
    pending.commit_time = commit_time;
    pending.delivery.key = {key, event.event->number};
    pending.delivery.create_time = append.now;
    pending.delivery.due_time = append.now;
    pending.delivery.expire_time = target.expire_time;
    pending.delivery.priority = event.event->priority;
    pending.delivery.order_key = target.order_key;
    changes.fresh_bytes += sizeof(PendingDelivery) + event.event->data.size();
  }
}

void CommitFeed::Apply(Changes changes) {
  const size_t posted = posted_bytes_.fetch_sub(changes.fresh_bytes, std::memory_order_relaxed);
  LATCHWIRE_CHECK(posted >= changes.fresh_bytes);
  for (const WebhookKey& key : changes.left_to_store) {
    if (!world_.leases->Owns(key)) continue;
    if (WebhookEntry* entry = world_.webhooks->FindOrMake(key)) {
      entry->queue->MarkStoreWork();
      world_.scheduler->Reschedule(*entry);
    }
  }
  for (const Delivery& delivery : changes.changed) {
    const WebhookKey key = delivery.key.webhook;
    if (!world_.leases->Owns(key)) continue;
    if (WebhookEntry* entry = world_.webhooks->FindOrMake(key)) {
      entry->queue->Update(delivery);
      world_.scheduler->Reschedule(*entry);
    }
  }
  for (PendingDelivery& delivery : changes.fresh) Offer(std::move(delivery));
  // After the fresh ones: what was dropped may be among them.
  for (const DeliveryKey& key : changes.dropped) {
    if (WebhookEntry* entry = world_.webhooks->Find(key.webhook)) {
      entry->queue->Drop(key.event_number);
      world_.scheduler->Reschedule(*entry);
    }
  }
  for (const WebhookKey& key : changes.invalidated) {
    if (WebhookEntry* entry = world_.webhooks->Find(key)) {
      entry->queue->Invalidate();
      world_.scheduler->Reschedule(*entry);
    }
  }
  world_.scheduler->Dispatch();
}

void CommitFeed::Offer(PendingDelivery delivery) {
  const WebhookKey key = delivery.delivery.key.webhook;
  if (!world_.leases->Owns(key)) return;
  WebhookEntry* entry = world_.webhooks->FindOrMake(key);
  if (entry == nullptr) return;  // deleted since
  // With the breaker half open the store knows which delivery should leave next.
  if (!world_.webhooks->MayAttempt(*entry) || entry->breaker.state() != BreakerState::kClosed ||
      !world_.webhooks->HasMemory(*entry)) {
    entry->queue->MarkStoreWork();
  } else {
    entry->queue->Offer(std::move(delivery));
  }
  world_.scheduler->Reschedule(*entry);
}

}  // namespace latchwire
