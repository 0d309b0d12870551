// The queue of a webhook whose deliveries keep no order: whatever is in the window may be taken.
// Retries wait in the store and come back when they are due.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "core/delivery/webhook_queue.h"

namespace latchwire {

class UnorderedQueue : public WebhookQueue {
 public:
  UnorderedQueue(size_t capacity, bool store_has_work) : WebhookQueue(capacity, store_has_work) {}

  bool Offer(PendingDelivery delivery) override;
  absl::Time NextReady() const override;
  PendingDelivery Take(absl::Time now) override;
  void Forget(const Delivery& delivery, absl::Time retry) override;
  void DropReady() override;
  void Update(const Delivery& delivery) override;
  size_t ready_count() const override { return ready_.size(); }
  absl::flat_hash_set<int64_t> ExcludedNumbers() const override;
  bool is_ordered() const override { return false; }

 private:
  using Line = std::deque<PendingDelivery>;              // of one priority
  using Lines = std::map<int, Line, std::greater<int>>;  // by priority, highest first; none empty

  void DoSettle(PendingDelivery delivery) override;
  void RemoveReady(int64_t number) override;
  bool Absorb(DueDeliveries* loaded) override;
  void Push(PendingDelivery delivery);
  // Makes room for a delivery of `priority`: the newest of the lowest priority goes back to the
  // store. False if none of a lower priority may go.
  bool Displace(int priority);
  static Line::iterator Find(Line& line, int64_t number);
  // Removes the delivery from the window.
  PendingDelivery Pop(Lines::iterator line, Line::iterator position);

  Lines lines_;
  absl::flat_hash_map<int64_t, int> ready_;  // the priority of each, by number
  uint64_t takes_ = 0;
};

}  // namespace latchwire
