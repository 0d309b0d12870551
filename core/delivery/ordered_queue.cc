#include "core/delivery/ordered_queue.h"

#include <algorithm>
#include <utility>

namespace latchwire {
namespace {

// When a head may be taken. One that was never attempted, at once: its due time is when it was
// made, and a clock that was set back since must not hold it. One that expires frees its chain in
// time.
absl::Time ReadyTime(const Delivery& head) {
  if (head.attempt_count == 0) return absl::InfinitePast();
  return std::min(head.due_time, head.expire_time);
}

}  // namespace

void OrderedQueue::MarkStoreWork(absl::Time due) {
  complete_ = false;
  WebhookQueue::MarkStoreWork(due);
}

bool OrderedQueue::Offer(PendingDelivery delivery) {
  if (!complete_ || waiting_.size() >= capacity_) {
    MarkStoreWork();
    return false;
  }
  Add(std::move(delivery));
  return true;
}

void OrderedQueue::Add(PendingDelivery delivery) {
  std::unique_ptr<Chain>& chain = chains_[delivery.delivery.order_key];
  if (chain == nullptr) {
    chain = std::make_unique<Chain>();
    chain->name = delivery.delivery.order_key;
  }
  waiting_.emplace(delivery.delivery.key.event_number, chain.get());
  ready_bytes_ += SizeOf(delivery);
  chain->waiting.push_back(std::move(delivery));
  if (chain->waiting.size() == 1) File(chain.get());
}

void OrderedQueue::File(Chain* chain) {
  if (chain->waiting.empty() || chain->head_taken) return;
  const Delivery& head = chain->waiting.front().delivery;
  chain->place = Place::kLater;
  chain->ready_time = ReadyTime(head);
  chain->due_time = head.due_time;
  chain->priority = head.priority;
  chain->number = head.key.event_number;
  later_.emplace(std::pair(chain->ready_time, chain->number), chain);
}

void OrderedQueue::Unfile(Chain* chain) {
  if (chain->place == Place::kLater) later_.erase({chain->ready_time, chain->number});
  if (chain->place == Place::kDue) {
    due_by_priority_.erase({-chain->priority, chain->due_time, chain->number});
    due_by_age_.erase({chain->due_time, chain->number});
  }
  chain->place = Place::kNone;
}

void OrderedQueue::Promote(absl::Time now) {
  while (!later_.empty() && later_.begin()->first.first <= now) {
    Chain* chain = later_.begin()->second;
    later_.erase(later_.begin());
    chain->place = Place::kDue;
    due_by_priority_.emplace(std::tuple(-chain->priority, chain->due_time, chain->number), chain);
    due_by_age_.emplace(std::pair(chain->due_time, chain->number), chain);
  }
}

absl::Time OrderedQueue::NextReady() const {
  if (!due_by_age_.empty()) return absl::InfinitePast();
  return later_.empty() ? absl::InfiniteFuture() : later_.begin()->first.first;
}

PendingDelivery OrderedQueue::Take(absl::Time now) {
  Promote(now);
  const bool oldest = ++takes_ % kOldestEvery == 0;
  Chain* chain = oldest ? due_by_age_.begin()->second : due_by_priority_.begin()->second;
  Unfile(chain);
  chain->head_taken = true;
  PendingDelivery head = std::move(chain->waiting.front());
  chain->waiting.pop_front();
  ready_bytes_ -= SizeOf(head);
  waiting_.erase(head.delivery.key.event_number);
  taken_.insert(head.delivery.key.event_number);
  return head;
}

void OrderedQueue::DoSettle(PendingDelivery delivery) {
  Settled(delivery.delivery.key.event_number);
  const auto found = chains_.find(delivery.delivery.order_key);
  if (found == chains_.end()) return;
  Chain* chain = found->second.get();
  chain->head_taken = false;
  if (delivery.delivery.state == DeliveryState::kPending) {
    waiting_.emplace(delivery.delivery.key.event_number, chain);
    ready_bytes_ += SizeOf(delivery);
    chain->waiting.push_front(std::move(delivery));
  }
  File(chain);
  EraseIfEmpty(chain);
}

void OrderedQueue::EraseIfEmpty(Chain* chain) {
  if (!chain->waiting.empty() || chain->head_taken) return;
  chains_.erase(std::string(chain->name));
  // The chain's next may be in the store.
  if (!complete_) MarkStoreWork();
}

void OrderedQueue::Forget(const Delivery& delivery, absl::Time retry) {
  Settled(delivery.key.event_number);
  if (const auto found = chains_.find(delivery.order_key); found != chains_.end()) {
    for (const PendingDelivery& waiting : found->second->waiting) {
      ready_bytes_ -= SizeOf(waiting);
      waiting_.erase(waiting.delivery.key.event_number);
    }
    Unfile(found->second.get());
    chains_.erase(found);
  }
  MarkStoreWork(retry);
}

void OrderedQueue::DropReady() {
  if (!waiting_.empty()) MarkStoreWork();
  later_.clear();
  due_by_priority_.clear();
  due_by_age_.clear();
  waiting_.clear();
  ready_bytes_ = 0;
  for (auto it = chains_.begin(); it != chains_.end();) {
    const auto current = it++;
    current->second->waiting.clear();
    current->second->place = Place::kNone;
    if (!current->second->head_taken) chains_.erase(current);
  }
}

void OrderedQueue::RemoveReady(int64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  Chain* chain = found->second;
  waiting_.erase(found);
  const auto position = std::find_if(chain->waiting.begin(), chain->waiting.end(),
                                     [number](const PendingDelivery& waiting) {
                                       return waiting.delivery.key.event_number == number;
                                     });
  ready_bytes_ -= SizeOf(*position);
  Unfile(chain);
  chain->waiting.erase(position);
  File(chain);
  EraseIfEmpty(chain);
}

void OrderedQueue::Update(const Delivery& delivery) {
  const auto found = waiting_.find(delivery.key.event_number);
  if (found == waiting_.end()) return MarkStoreWork();
  Chain* chain = found->second;
  Unfile(chain);
  for (PendingDelivery& waiting : chain->waiting) {
    if (waiting.delivery.key == delivery.key) waiting.delivery = delivery;
  }
  File(chain);
}

absl::flat_hash_set<std::string> OrderedQueue::ExcludedOrderKeys() const {
  absl::flat_hash_set<std::string> names;
  for (const auto& [name, chain] : chains_) names.insert(name);
  return names;
}

bool OrderedQueue::Absorb(DueDeliveries* loaded) {
  bool left_out = false;
  for (PendingDelivery& delivery : loaded->deliveries) {
    if (chains_.contains(delivery.delivery.order_key)) continue;  // came while the load ran
    if (SettledDuringLoad(delivery.delivery.key.event_number) || waiting_.size() >= capacity_) {
      left_out = true;
      continue;
    }
    Add(std::move(delivery));
  }
  complete_ = chains_.empty() && loaded->deliveries.empty() && !loaded->more &&
              store_next_due_ == absl::InfiniteFuture() &&
              loaded->next_due == absl::InfiniteFuture();
  return left_out;
}

}  // namespace latchwire
