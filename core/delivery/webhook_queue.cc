#include "core/delivery/webhook_queue.h"

#include <utility>

#include "core/base/check.h"
#include "core/delivery/ordered_queue.h"
#include "core/delivery/unordered_queue.h"

namespace latchwire {

std::unique_ptr<WebhookQueue> WebhookQueue::Make(bool is_ordered, size_t capacity,
                                                 bool store_has_work) {
  if (is_ordered) return std::make_unique<OrderedQueue>(capacity, store_has_work);
  return std::make_unique<UnorderedQueue>(capacity, store_has_work);
}

size_t WebhookQueue::SizeOf(const PendingDelivery& delivery) {
  // The event may be shared with other webhooks' deliveries; counting it fully errs on the safe
  // side.
  return sizeof(PendingDelivery) + sizeof(Event) + delivery.event->data.size();
}

void WebhookQueue::Settle(PendingDelivery delivery) {
  const bool stale = stale_.erase(delivery.delivery.key.event_number) > 0;
  if (stale && delivery.delivery.state == DeliveryState::kPending) {
    return Forget(delivery.delivery, absl::InfinitePast());
  }
  DoSettle(std::move(delivery));
}

void WebhookQueue::Drop(int64_t number) {
  if (loading_) settled_.insert(number);
  if (taken_.contains(number)) {
    stale_.insert(number);
  } else {
    RemoveReady(number);
  }
}

void WebhookQueue::Invalidate() {
  DropReady();
  MarkStoreWork();
  discard_load_ = loading_;
  stale_.insert(taken_.begin(), taken_.end());
}

void WebhookQueue::BeginLoad() {
  LATCHWIRE_CHECK(!loading_, "one load at a time");
  loading_ = true;
  settled_.clear();
  store_next_due_ = absl::InfiniteFuture();
}

void WebhookQueue::EndLoad(DueDeliveries loaded) {
  LATCHWIRE_CHECK(loading_, "no load is in progress");
  if (std::exchange(discard_load_, false)) return EndFailedLoad(absl::InfinitePast());
  const bool left_out = Absorb(&loaded);
  loading_ = false;
  settled_.clear();
  store_next_due_ =
      std::min(store_next_due_, loaded.more || left_out ? absl::InfinitePast() : loaded.next_due);
}

void WebhookQueue::EndFailedLoad(absl::Time retry) {
  LATCHWIRE_CHECK(loading_, "no load is in progress");
  loading_ = false;
  discard_load_ = false;
  settled_.clear();
  store_next_due_ = std::min(store_next_due_, retry);
}

void WebhookQueue::Taken(int64_t number) {
  const bool taken = taken_.insert(number).second;
  LATCHWIRE_CHECK(taken, "the delivery of event ", number, " would be in flight twice");
}

void WebhookQueue::Settled(int64_t number) {
  const bool taken = taken_.erase(number) > 0;
  LATCHWIRE_CHECK(taken, "the delivery of event ", number, " is not in flight");
  stale_.erase(number);
  LATCHWIRE_DCHECK(stale_.size() <= taken_.size());
  if (loading_) settled_.insert(number);
}

}  // namespace latchwire
