#include "core/delivery/ordered_queue.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace latchwire {
namespace {

// When a head may be taken. One that was never attempted, at once: its due time is when it was
// made, and a clock that was set back since must not hold it. One that expires frees its group in
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
  std::unique_ptr<Group>& group = groups_[delivery.delivery.order_key];
  if (group == nullptr) {
    group = std::make_unique<Group>();
    group->order_key = delivery.delivery.order_key;
  }
  const int64_t number = delivery.delivery.key.event_number;
  const bool added = !taken_.contains(number) && waiting_.emplace(number, group.get()).second;
  LATCHWIRE_CHECK(added, "delivery of event ", number, " is in the window already");
  ready_bytes_ += SizeOf(delivery);
  group->waiting.push_back(std::move(delivery));
  if (group->waiting.size() == 1) Schedule(group.get());
}

void OrderedQueue::Schedule(Group* group) {
  if (group->waiting.empty() || group->head_taken) return;
  const Delivery& head = group->waiting.front().delivery;
  group->place = Place::kLater;
  group->ready_time = ReadyTime(head);
  group->due_time = head.due_time;
  group->priority = head.priority;
  group->number = head.key.event_number;
  later_.emplace(std::pair(group->ready_time, group->number), group);
}

void OrderedQueue::Unschedule(Group* group) {
  if (group->place == Place::kLater) later_.erase({group->ready_time, group->number});
  if (group->place == Place::kDue) {
    due_by_priority_.erase({-group->priority, group->due_time, group->number});
    due_by_age_.erase({group->due_time, group->number});
  }
  group->place = Place::kNowhere;
}

void OrderedQueue::Promote(absl::Time now) {
  while (!later_.empty() && later_.begin()->first.first <= now) {
    Group* group = later_.begin()->second;
    later_.erase(later_.begin());
    group->place = Place::kDue;
    due_by_priority_.emplace(std::tuple(-group->priority, group->due_time, group->number), group);
    due_by_age_.emplace(std::pair(group->due_time, group->number), group);
  }
}

absl::Time OrderedQueue::NextReady() const {
  if (!due_by_age_.empty()) return absl::InfinitePast();
  return later_.empty() ? absl::InfiniteFuture() : later_.begin()->first.first;
}

PendingDelivery OrderedQueue::Take(absl::Time now) {
  Promote(now);
  LATCHWIRE_CHECK(!due_by_age_.empty(), "nothing is ready");
  const bool oldest = ++takes_ % kOldestEvery == 0;
  Group* group = oldest ? due_by_age_.begin()->second : due_by_priority_.begin()->second;
  Unschedule(group);
  LATCHWIRE_CHECK(!group->head_taken, "two deliveries of one order key would be in flight");
  group->head_taken = true;
  PendingDelivery head = std::move(group->waiting.front());
  group->waiting.pop_front();
  ready_bytes_ -= SizeOf(head);
  waiting_.erase(head.delivery.key.event_number);
  Taken(head.delivery.key.event_number);
  return head;
}

void OrderedQueue::DoSettle(PendingDelivery delivery) {
  Settled(delivery.delivery.key.event_number);
  const auto found = groups_.find(delivery.delivery.order_key);
  if (found == groups_.end()) return;
  Group* group = found->second.get();
  group->head_taken = false;
  if (delivery.delivery.state == DeliveryState::kPending) {
    waiting_.emplace(delivery.delivery.key.event_number, group);
    ready_bytes_ += SizeOf(delivery);
    group->waiting.push_front(std::move(delivery));
  }
  Schedule(group);
  EraseIfEmpty(group);
}

void OrderedQueue::EraseIfEmpty(Group* group) {
  if (!group->waiting.empty() || group->head_taken) return;
  groups_.erase(std::string(group->order_key));
  // The group's next may be in the store.
  if (!complete_) MarkStoreWork();
}

void OrderedQueue::Forget(const Delivery& delivery, absl::Time retry) {
  Settled(delivery.key.event_number);
  if (const auto found = groups_.find(delivery.order_key); found != groups_.end()) {
    for (const PendingDelivery& waiting : found->second->waiting) {
      ready_bytes_ -= SizeOf(waiting);
      waiting_.erase(waiting.delivery.key.event_number);
    }
    Unschedule(found->second.get());
    groups_.erase(found);
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
  for (auto it = groups_.begin(); it != groups_.end();) {
    const auto current = it++;
    current->second->waiting.clear();
    current->second->place = Place::kNowhere;
    if (!current->second->head_taken) groups_.erase(current);
  }
}

void OrderedQueue::RemoveReady(int64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  Group* group = found->second;
  waiting_.erase(found);
  const auto position = std::find_if(group->waiting.begin(), group->waiting.end(),
                                     [number](const PendingDelivery& waiting) {
                                       return waiting.delivery.key.event_number == number;
                                     });
  ready_bytes_ -= SizeOf(*position);
  Unschedule(group);
  group->waiting.erase(position);
  Schedule(group);
  EraseIfEmpty(group);
}

void OrderedQueue::Update(const Delivery& delivery) {
  const auto found = waiting_.find(delivery.key.event_number);
  if (found == waiting_.end()) return MarkStoreWork();
  Group* group = found->second;
  Unschedule(group);
  for (PendingDelivery& waiting : group->waiting) {
    if (waiting.delivery.key == delivery.key) waiting.delivery = delivery;
  }
  Schedule(group);
}

absl::flat_hash_set<std::string> OrderedQueue::ExcludedOrderKeys() const {
  absl::flat_hash_set<std::string> names;
  for (const auto& [name, group] : groups_) names.insert(name);
  return names;
}

bool OrderedQueue::Absorb(DueDeliveries* loaded) {
  bool left_out = false;
  for (PendingDelivery& delivery : loaded->deliveries) {
    if (groups_.contains(delivery.delivery.order_key)) continue;  // came while the load ran
    if (SettledDuringLoad(delivery.delivery.key.event_number) || waiting_.size() >= capacity_) {
      left_out = true;
      continue;
    }
    Add(std::move(delivery));
  }
  complete_ = groups_.empty() && loaded->deliveries.empty() && !loaded->more &&
              store_next_due_ == absl::InfiniteFuture() &&
              loaded->next_due == absl::InfiniteFuture();
  return left_out;
}

}  // namespace latchwire
