#include "server/delivery/commit_feed.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace latchwire {
namespace {

template <typename T>
void Append(const std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void CommitFeed::OnCommitted(const WrittenBatch& batch) {
  Changes changes;
  const absl::Duration commit_time = world_.clock->Monotonic();
  batch.ForEachAppend(
      [&](const MatchedEvents& append, const AppendResult& result, bool operational) {
        GatherAppend(append, result, commit_time, changes);
        if (!operational) return;
        changes.operational_count += std::count_if(
            result.events.begin(), result.events.end(), [](const AppendResult::OfEvent& event) {
              return event.kind == AppendResult::Kind::kStored;
            });
      });
  batch.ForEach(Visitor{
      [&](const RetryDelivery&, const RetryDelivery::Result& retried) {
        changes.changed.push_back(retried.delivery);
      },
      [&](const ExpireDeliveries&, const ExpireDeliveries::Result& expired) {
        Append(expired.webhooks, changes.left_to_store);  // what waits behind them goes on
      },
      [&](const StepRecoveryJob&, const StepRecoveryJob::Result& stepped) {
        Append(stepped.webhooks, changes.left_to_store);
      },
      [&](const DeleteOldEvents&, const DeleteOldEvents::Result& deleted) {
        Append(deleted.webhooks, changes.invalidated);
      },
  });
  if (changes.dropped_count > 0) Count(world_.counters->dropped, changes.dropped_count);
  if (changes.operational_count > 0) {
    Count(world_.counters->operational_events, changes.operational_count);
  }
  if (changes.empty()) return;
  posted_bytes_.fetch_add(changes.fresh_bytes, std::memory_order_relaxed);
  world_.executor->Post(
      [this, changes = std::move(changes)]() mutable { Apply(std::move(changes)); });
}

void CommitFeed::OnForeignWork(std::vector<WebhookKey> webhooks) {
  Changes changes;
  changes.left_to_store = std::move(webhooks);
  world_.executor->Post(
      [this, changes = std::move(changes)]() mutable { Apply(std::move(changes)); });
}

void CommitFeed::GatherAppend(const MatchedEvents& append, const AppendResult& result,
                              absl::Duration commit_time, Changes& changes) const {
  changes.dropped_count +=
      static_cast<int64_t>(result.dropped_old.size() + result.dropped_new.size());
  Append(result.dropped_old, changes.dropped);
  auto dropped = result.dropped_new.begin();  // in the order of the targets
  for (size_t i = 0; i < append.events.size(); ++i) {
    if (result.events[i].kind != AppendResult::Kind::kStored) continue;
    const NewEvent& event = append.events[i];
    for (const DeliveryTarget& target : event.targets) {
      const DeliveryKey key{{append.tenant, target.webhook_uid}, event.event->number};
      if (dropped != result.dropped_new.end() && *dropped == key) {
        ++dropped;
      } else {
        GatherFresh(append, event, target, commit_time, changes);
      }
    }
  }
  LATCHWIRE_CHECK(dropped == result.dropped_new.end(), "a dropped delivery that is no target");
}

void CommitFeed::GatherFresh(const MatchedEvents& append, const NewEvent& event,
                             const DeliveryTarget& target, absl::Duration commit_time,
                             Changes& changes) const {
  const WebhookKey key{append.tenant, target.webhook_uid};
  if (posted_bytes_.load(std::memory_order_relaxed) + changes.fresh_bytes > max_posted_bytes_) {
    changes.left_to_store.push_back(key);  // the executor is far behind
    return;
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
