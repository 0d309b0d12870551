#include "server/delivery/lane_queue.h"

#include <algorithm>
#include <utility>

namespace latchwire {
namespace {

// When a head may be taken. One that was never attempted, at once: its due time is when it was
// made, and a clock that was set back since must not hold it. One that expires frees its lane in
// time.
absl::Time ReadyTime(const Delivery& head) {
  if (head.attempt_count == 0) return absl::InfinitePast();
  return std::min(head.due_time, head.expire_time);
}

}  // namespace

void LaneQueue::MarkStoreWork(absl::Time due) {
  complete_ = false;
  WebhookQueue::MarkStoreWork(due);
}

bool LaneQueue::Offer(PendingDelivery delivery) {
  if (!complete_ || waiting_.size() >= capacity_) {
    MarkStoreWork();
    return false;
  }
  Add(std::move(delivery));
  return true;
}

void LaneQueue::Add(PendingDelivery delivery) {
  std::unique_ptr<Lane>& lane = lanes_[delivery.delivery.lane];
  if (lane == nullptr) {
    lane = std::make_unique<Lane>();
    lane->name = delivery.delivery.lane;
  }
  waiting_.emplace(delivery.delivery.key.event_number, lane.get());
  ready_bytes_ += SizeOf(delivery);
  lane->waiting.push_back(std::move(delivery));
  if (lane->waiting.size() == 1) File(lane.get());
}

void LaneQueue::File(Lane* lane) {
  if (lane->waiting.empty() || lane->head_taken) return;
  const Delivery& head = lane->waiting.front().delivery;
  lane->place = Place::kLater;
  lane->ready_time = ReadyTime(head);
  lane->due_time = head.due_time;
  lane->priority = head.priority;
  lane->number = head.key.event_number;
  later_.emplace(std::pair(lane->ready_time, lane->number), lane);
}

void LaneQueue::Unfile(Lane* lane) {
  if (lane->place == Place::kLater) later_.erase({lane->ready_time, lane->number});
  if (lane->place == Place::kDue) {
    due_by_priority_.erase({-lane->priority, lane->due_time, lane->number});
    due_by_age_.erase({lane->due_time, lane->number});
  }
  lane->place = Place::kNone;
}

void LaneQueue::Promote(absl::Time now) {
  while (!later_.empty() && later_.begin()->first.first <= now) {
    Lane* lane = later_.begin()->second;
    later_.erase(later_.begin());
    lane->place = Place::kDue;
    due_by_priority_.emplace(std::tuple(-lane->priority, lane->due_time, lane->number), lane);
    due_by_age_.emplace(std::pair(lane->due_time, lane->number), lane);
  }
}

absl::Time LaneQueue::NextReady() const {
  if (!due_by_age_.empty()) return absl::InfinitePast();
  return later_.empty() ? absl::InfiniteFuture() : later_.begin()->first.first;
}

PendingDelivery LaneQueue::Take(absl::Time now) {
  Promote(now);
  const bool oldest = ++takes_ % kOldestEvery == 0;
  Lane* lane = oldest ? due_by_age_.begin()->second : due_by_priority_.begin()->second;
  Unfile(lane);
  lane->head_taken = true;
  PendingDelivery head = std::move(lane->waiting.front());
  lane->waiting.pop_front();
  ready_bytes_ -= SizeOf(head);
  waiting_.erase(head.delivery.key.event_number);
  taken_.insert(head.delivery.key.event_number);
  return head;
}

void LaneQueue::DoSettle(PendingDelivery delivery) {
  Settled(delivery.delivery.key.event_number);
  const auto found = lanes_.find(delivery.delivery.lane);
  if (found == lanes_.end()) return;
  Lane* lane = found->second.get();
  lane->head_taken = false;
  if (delivery.delivery.state == DeliveryState::kPending) {
    waiting_.emplace(delivery.delivery.key.event_number, lane);
    ready_bytes_ += SizeOf(delivery);
    lane->waiting.push_front(std::move(delivery));
  }
  File(lane);
  EraseIfEmpty(lane);
}

void LaneQueue::EraseIfEmpty(Lane* lane) {
  if (!lane->waiting.empty() || lane->head_taken) return;
  lanes_.erase(std::string(lane->name));
  // The lane's next may be in the store.
  if (!complete_) MarkStoreWork();
}

void LaneQueue::Forget(const Delivery& delivery, absl::Time retry) {
  Settled(delivery.key.event_number);
  if (const auto found = lanes_.find(delivery.lane); found != lanes_.end()) {
    for (const PendingDelivery& waiting : found->second->waiting) {
      ready_bytes_ -= SizeOf(waiting);
      waiting_.erase(waiting.delivery.key.event_number);
    }
    Unfile(found->second.get());
    lanes_.erase(found);
  }
  MarkStoreWork(retry);
}

void LaneQueue::DropReady() {
  if (!waiting_.empty()) MarkStoreWork();
  later_.clear();
  due_by_priority_.clear();
  due_by_age_.clear();
  waiting_.clear();
  ready_bytes_ = 0;
  for (auto it = lanes_.begin(); it != lanes_.end();) {
    const auto current = it++;
    current->second->waiting.clear();
    current->second->place = Place::kNone;
    if (!current->second->head_taken) lanes_.erase(current);
  }
}

void LaneQueue::RemoveReady(int64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  Lane* lane = found->second;
  waiting_.erase(found);
  const auto position = std::find_if(lane->waiting.begin(), lane->waiting.end(),
                                     [number](const PendingDelivery& waiting) {
                                       return waiting.delivery.key.event_number == number;
                                     });
  ready_bytes_ -= SizeOf(*position);
  Unfile(lane);
  lane->waiting.erase(position);
  File(lane);
  EraseIfEmpty(lane);
}

void LaneQueue::Update(const Delivery& delivery) {
  const auto found = waiting_.find(delivery.key.event_number);
  if (found == waiting_.end()) return MarkStoreWork();
  Lane* lane = found->second;
  Unfile(lane);
  for (PendingDelivery& waiting : lane->waiting) {
    if (waiting.delivery.key == delivery.key) waiting.delivery = delivery;
  }
  File(lane);
}

absl::flat_hash_set<std::string> LaneQueue::ExcludedLanes() const {
  absl::flat_hash_set<std::string> names;
  for (const auto& [name, lane] : lanes_) names.insert(name);
  return names;
}

bool LaneQueue::Absorb(DueDeliveries* loaded) {
  bool left_out = false;
  for (PendingDelivery& delivery : loaded->deliveries) {
    if (lanes_.contains(delivery.delivery.lane)) continue;  // came while the load ran
    if (SettledDuringLoad(delivery.delivery.key.event_number) || waiting_.size() >= capacity_) {
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

}  // namespace latchwire
