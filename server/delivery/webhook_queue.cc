#include "server/delivery/webhook_queue.h"

#include <algorithm>
#include <utility>

namespace latchwire {
namespace {

// Any order will do; commit order is what comes naturally.
class UnorderedQueue : public WebhookQueue {
 public:
  UnorderedQueue(size_t capacity, bool store_has_work) : WebhookQueue(capacity, store_has_work) {}

  bool Offer(PendingDelivery delivery) override {
    const int64_t number = delivery.delivery.key.event_number;
    if (ready_.size() >= capacity_) {
      MarkStoreWork();
      return false;
    }
    if (taken_.contains(number) || !ready_numbers_.insert(number).second) return true;
    ready_bytes_ += SizeOf(delivery);
    ready_.push_back(std::move(delivery));
    return true;
  }

  absl::Time NextReady() const override {
    return ready_.empty() ? absl::InfiniteFuture() : absl::InfinitePast();
  }

  PendingDelivery Take(absl::Time) override {
    PendingDelivery delivery = std::move(ready_.front());
    ready_.pop_front();
    ready_bytes_ -= SizeOf(delivery);
    ready_numbers_.erase(delivery.delivery.key.event_number);
    taken_.insert(delivery.delivery.key.event_number);
    return delivery;
  }

  void Settle(PendingDelivery delivery) override {
    Settled(delivery.delivery.key.event_number);
    if (delivery.delivery.state == DeliveryState::kPending) {
      store_next_due_ = std::min(store_next_due_, delivery.delivery.due_time);
    }
  }

  void Forget(const Delivery& delivery, absl::Time retry) override {
    Settled(delivery.key.event_number);
    MarkStoreWork(retry);
  }

  void DropReady() override {
    if (!ready_.empty()) MarkStoreWork();
    ready_.clear();
    ready_bytes_ = 0;
    ready_numbers_.clear();
  }

  size_t ready_count() const override { return ready_.size(); }

  absl::flat_hash_set<int64_t> ExcludedNumbers() const override {
    absl::flat_hash_set<int64_t> numbers = taken_;
    numbers.insert(ready_numbers_.begin(), ready_numbers_.end());
    return numbers;
  }
  bool ordered() const override { return false; }

 private:
  bool Absorb(DueDeliveries* loaded) override {
    bool left_out = false;
    for (PendingDelivery& delivery : loaded->deliveries) {
      const int64_t number = delivery.delivery.key.event_number;
      if (taken_.contains(number) || ready_numbers_.contains(number)) continue;
      if (SettledDuringLoad(number)) continue;
      if (ready_.size() >= capacity_) {
        left_out = true;
        continue;
      }
      ready_numbers_.insert(number);
      ready_bytes_ += SizeOf(delivery);
      ready_.push_back(std::move(delivery));
    }
    return left_out;
  }

  std::deque<PendingDelivery> ready_;
  absl::flat_hash_set<int64_t> ready_numbers_;
};

// One lane per (source, subject); only its head may be taken, and the next only when the head is
// settled for good. While everything pending is in the window (`complete_`), fresh deliveries join
// their lanes here. Once something is left to the store, lanes come as heads from loads, until the
// window has run empty and a load has found nothing.
class OrderedQueue : public WebhookQueue {
 public:
  OrderedQueue(size_t capacity, bool store_has_work)
      : WebhookQueue(capacity, store_has_work), complete_(!store_has_work) {}

  void MarkStoreWork(absl::Time due = absl::InfinitePast()) override {
    complete_ = false;
    WebhookQueue::MarkStoreWork(due);
  }

  bool Offer(PendingDelivery delivery) override {
    if (!complete_ || count_ >= capacity_) {
      MarkStoreWork(absl::InfinitePast());
      return false;
    }
    Add(std::move(delivery));
    return true;
  }

  absl::Time NextReady() const override {
    return heads_.empty() ? absl::InfiniteFuture() : heads_.begin()->first;
  }

  PendingDelivery Take(absl::Time) override {
    const auto first = heads_.begin();
    Lane& lane = lanes_.at(first->second);
    heads_.erase(first);
    lane.head_taken = true;
    --count_;
    PendingDelivery head = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    ready_bytes_ -= SizeOf(head);
    taken_.insert(head.delivery.key.event_number);
    return head;
  }

  void Settle(PendingDelivery delivery) override {
    Settled(delivery.delivery.key.event_number);
    const auto found = lanes_.find(delivery.delivery.lane);
    if (found == lanes_.end()) return;
    Lane& lane = found->second;
    lane.head_taken = false;
    if (delivery.delivery.state == DeliveryState::kPending) {
      ++count_;
      ready_bytes_ += SizeOf(delivery);
      lane.waiting.push_front(std::move(delivery));
    }
    if (!lane.waiting.empty()) {
      heads_.insert({HeadTime(lane), found->first});
      return;
    }
    lanes_.erase(found);
    // The lane's next may be in the store.
    if (!complete_) MarkStoreWork(absl::InfinitePast());
  }

  void Forget(const Delivery& delivery, absl::Time retry) override {
    Settled(delivery.key.event_number);
    if (const auto found = lanes_.find(delivery.lane); found != lanes_.end()) {
      count_ -= found->second.waiting.size();
      for (const PendingDelivery& waiting : found->second.waiting) ready_bytes_ -= SizeOf(waiting);
      lanes_.erase(found);
    }
    MarkStoreWork(retry);
  }

  void DropReady() override {
    if (count_ > 0) {
      MarkStoreWork(absl::InfinitePast());
    }
    heads_.clear();
    for (auto it = lanes_.begin(); it != lanes_.end();) {
      it->second.waiting.clear();
      const auto current = it++;
      if (!current->second.head_taken) lanes_.erase(current);
    }
    count_ = 0;
    ready_bytes_ = 0;
  }

  size_t ready_count() const override { return count_; }

  absl::flat_hash_set<std::string> ExcludedLanes() const override {
    absl::flat_hash_set<std::string> lanes;
    for (const auto& [name, lane] : lanes_) lanes.insert(name);
    return lanes;
  }
  bool ordered() const override { return true; }

 private:
  struct Lane {
    std::deque<PendingDelivery> waiting;  // front is the head, unless it is taken
    bool head_taken = false;
  };

  // A fresh head is due when it was made; then `due_time` is in the past.
  static absl::Time HeadTime(const Lane& lane) { return lane.waiting.front().delivery.due_time; }

  void Add(PendingDelivery delivery) {
    const std::string name = delivery.delivery.lane;
    Lane& lane = lanes_[name];
    ready_bytes_ += SizeOf(delivery);
    lane.waiting.push_back(std::move(delivery));
    ++count_;
    if (lane.waiting.size() == 1 && !lane.head_taken) heads_.insert({HeadTime(lane), name});
  }

  bool Absorb(DueDeliveries* loaded) override {
    bool left_out = false;
    for (PendingDelivery& delivery : loaded->deliveries) {
      if (lanes_.contains(delivery.delivery.lane)) continue;  // came while the load ran
      if (SettledDuringLoad(delivery.delivery.key.event_number) || count_ >= capacity_) {
        left_out = true;
        continue;
      }
      Add(std::move(delivery));
    }
    complete_ = lanes_.empty() && loaded->deliveries.empty() && !loaded->more &&
                store_next_due_ == absl::InfiniteFuture() &&
                loaded->next_due == absl::InfiniteFuture();
    return left_out;
  }

  bool complete_;
  size_t count_ = 0;  // waiting in all lanes
  absl::flat_hash_map<std::string, Lane> lanes_;
  absl::btree_set<std::pair<absl::Time, std::string>> heads_;  // that may be taken, by when
};

}  // namespace

std::unique_ptr<WebhookQueue> WebhookQueue::Make(WebhookOrdering ordering, size_t capacity,
                                                 bool store_has_work) {
  if (ordering == WebhookOrdering::kBySubject) {
    return std::make_unique<OrderedQueue>(capacity, store_has_work);
  }
  return std::make_unique<UnorderedQueue>(capacity, store_has_work);
}

size_t WebhookQueue::SizeOf(const PendingDelivery& delivery) {
  // The event may be shared with other webhooks' deliveries; counting it fully errs on the safe
  // side.
  return sizeof(PendingDelivery) + sizeof(Event) + delivery.event->data.size();
}

void WebhookQueue::BeginLoad() {
  loading_ = true;
  settled_.clear();
  store_next_due_ = absl::InfiniteFuture();
}

void WebhookQueue::EndLoad(DueDeliveries loaded) {
  const bool left_out = Absorb(&loaded);
  loading_ = false;
  settled_.clear();
  store_next_due_ =
      std::min(store_next_due_, loaded.more || left_out ? absl::InfinitePast() : loaded.next_due);
}

void WebhookQueue::EndFailedLoad(absl::Time retry) {
  loading_ = false;
  settled_.clear();
  store_next_due_ = std::min(store_next_due_, retry);
}

void WebhookQueue::Settled(int64_t number) {
  taken_.erase(number);
  if (loading_) settled_.insert(number);
}

}  // namespace latchwire
