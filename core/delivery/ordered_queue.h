// The queue of a webhook whose deliveries keep an order: of those with one order key only the first
// may be taken, and the next only when the first has reached a final state.
//
// While everything pending is in the window (`complete_`), fresh deliveries join their groups here.
// Once something is left to the store, loads bring the first of each order key, until the window
// has run empty and a load has found nothing.
#pragma once

#include <deque>
#include <tuple>

#include "absl/container/btree_map.h"
#include "core/delivery/webhook_queue.h"

namespace latchwire {

class OrderedQueue : public WebhookQueue {
 public:
  OrderedQueue(size_t capacity, bool store_has_work)
      : WebhookQueue(capacity, store_has_work), complete_(!store_has_work) {}

  void MarkStoreWork(absl::Time due = absl::InfinitePast()) override;
  bool Offer(PendingDelivery delivery) override;
  absl::Time NextReady() const override;
  PendingDelivery Take(absl::Time now) override;
  void Forget(const Delivery& delivery, absl::Time retry) override;
  void DropReady() override;
  void Update(const Delivery& delivery) override;
  size_t ready_count() const override { return waiting_.size(); }
  absl::flat_hash_set<std::string> ExcludedOrderKeys() const override;
  bool is_ordered() const override { return true; }

 private:
  // The map below that holds a group. kNowhere: its head is taken, or it has none.
  enum class Place { kNowhere, kLater, kDue };

  // The deliveries with one order key.
  struct Group {
    std::string order_key;
    std::deque<PendingDelivery> waiting;  // in order; the front is the head, unless that is taken
    bool head_taken = false;
    Place place = Place::kNowhere;
    // The group's keys in the maps: copied from its head while it is in one of them.
    absl::Time ready_time;
    absl::Time due_time;
    int priority = 0;
    int64_t number = 0;
  };

  void DoSettle(PendingDelivery delivery) override;
  void RemoveReady(int64_t number) override;
  bool Absorb(DueDeliveries* loaded) override;
  void Add(PendingDelivery delivery);
  // Adds the group to those whose heads may be taken, if it has such a head.
  void Schedule(Group* group);
  void Unschedule(Group* group);
  // Moves groups whose time has come from later_ to the due ones.
  void Promote(absl::Time now);
  void EraseIfEmpty(Group* group);

  // Whether all of this webhook's pending deliveries are in the window.
  bool complete_;
  absl::flat_hash_map<std::string, std::unique_ptr<Group>> groups_;  // by order key
  absl::flat_hash_map<int64_t, Group*> waiting_;  // by number: those in `waiting`
  // Groups whose heads may be taken: by when, as long as they are not known to be due; then by
  // priority (negated, so that the highest is first) and by age.
  absl::btree_map<std::pair<absl::Time, int64_t>, Group*> later_;
  absl::btree_map<std::tuple<int, absl::Time, int64_t>, Group*> due_by_priority_;
  absl::btree_map<std::pair<absl::Time, int64_t>, Group*> due_by_age_;
  uint64_t takes_ = 0;
};

}  // namespace latchwire
