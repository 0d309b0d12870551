#include "core/delivery/unordered_queue.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace latchwire {
namespace {

std::pair<absl::Time, int64_t> AgeOf(const PendingDelivery& pending) {
  return {pending.delivery.due_time, pending.delivery.key.event_number};
}

}  // namespace

void UnorderedQueue::Push(PendingDelivery delivery) {
  const int priority = delivery.delivery.priority;
  const int64_t number = delivery.delivery.key.event_number;
  const bool added = !taken_.contains(number) && ready_.emplace(number, priority).second;
  LATCHWIRE_CHECK(added, "delivery of event ", number, " is in the window already");
  LATCHWIRE_DCHECK(ready_.size() <= capacity_);
  ready_bytes_ += SizeOf(delivery);
  lines_[priority].push_back(std::move(delivery));
}

PendingDelivery UnorderedQueue::Pop(Lines::iterator line, Line::iterator position) {
  PendingDelivery delivery = std::move(*position);
  line->second.erase(position);
  if (line->second.empty()) lines_.erase(line);
  ready_.erase(delivery.delivery.key.event_number);
  ready_bytes_ -= SizeOf(delivery);
  LATCHWIRE_DCHECK(ready_.empty() == lines_.empty() && ready_.empty() == (ready_bytes_ == 0));
  return delivery;
}

UnorderedQueue::Line::iterator UnorderedQueue::Find(Line& line, int64_t number) {
  return std::find_if(line.begin(), line.end(), [number](const PendingDelivery& ready) {
    return ready.delivery.key.event_number == number;
  });
}

bool UnorderedQueue::Offer(PendingDelivery delivery) {
  const int64_t number = delivery.delivery.key.event_number;
  if (taken_.contains(number) || ready_.contains(number)) return true;
  if (ready_.size() >= capacity_ && !Displace(delivery.delivery.priority)) {
    MarkStoreWork();
    return false;
  }
  Push(std::move(delivery));
  return true;
}

bool UnorderedQueue::Displace(int priority) {
  size_t below = 0;
  for (const auto& [line_priority, line] : lines_) {
    if (line_priority < priority) below += line.size();
  }
  // The last ones below stay: displaced again and again, they would starve.
  if (below <= std::max<size_t>(capacity_ / kOldestEvery, 1)) return false;
  const auto lowest = std::prev(lines_.end());
  Pop(lowest, std::prev(lowest->second.end()));
  ++displaced_count_;
  MarkStoreWork();
  return true;
}

absl::Time UnorderedQueue::NextReady() const {
  return ready_.empty() ? absl::InfiniteFuture() : absl::InfinitePast();
}

PendingDelivery UnorderedQueue::Take(absl::Time) {
  LATCHWIRE_CHECK(!ready_.empty(), "nothing is ready");
  auto line = lines_.begin();
  if (++takes_ % kOldestEvery == 0) {
    line = std::min_element(lines_.begin(), lines_.end(), [](const auto& a, const auto& b) {
      return AgeOf(a.second.front()) < AgeOf(b.second.front());
    });
  }
  PendingDelivery delivery = Pop(line, line->second.begin());
  Taken(delivery.delivery.key.event_number);
  return delivery;
}

void UnorderedQueue::DoSettle(PendingDelivery delivery) {
  Settled(delivery.delivery.key.event_number);
  if (delivery.delivery.state == DeliveryState::kPending) {
    MarkStoreWork(delivery.delivery.due_time);
  }
}

void UnorderedQueue::Forget(const Delivery& delivery, absl::Time retry) {
  Settled(delivery.key.event_number);
  MarkStoreWork(retry);
}

void UnorderedQueue::DropReady() {
  if (!ready_.empty()) MarkStoreWork();
  lines_.clear();
  ready_.clear();
  ready_bytes_ = 0;
}

void UnorderedQueue::RemoveReady(int64_t number) {
  const auto found = ready_.find(number);
  if (found == ready_.end()) return;
  const auto line = lines_.find(found->second);
  Pop(line, Find(line->second, number));
}

void UnorderedQueue::Update(const Delivery& delivery) {
  const int64_t number = delivery.key.event_number;
  if (const auto found = ready_.find(number); found != ready_.end()) {
    Find(lines_.at(found->second), number)->delivery = delivery;
  } else {
    MarkStoreWork();
  }
}

absl::flat_hash_set<int64_t> UnorderedQueue::ExcludedNumbers() const {
  absl::flat_hash_set<int64_t> numbers = taken_;
  for (const auto& [number, priority] : ready_) numbers.insert(number);
  return numbers;
}

bool UnorderedQueue::Absorb(DueDeliveries* loaded) {
  bool left_out = false;
  for (PendingDelivery& delivery : loaded->deliveries) {
    const int64_t number = delivery.delivery.key.event_number;
    if (taken_.contains(number) || ready_.contains(number)) continue;
    if (SettledDuringLoad(number)) continue;
    if (ready_.size() >= capacity_) {
      left_out = true;
      continue;
    }
    Push(std::move(delivery));
  }
  return left_out;
}

}  // namespace latchwire
