// The window of a webhook IsOrdered: only the head of a chain may be taken, and the next only when
// the head is settled for good.
//
// While everything pending is in the window (`complete_`), fresh deliveries join their chains here.
// Once something is left to the store, chains come as heads from loads, until the window has run
// empty and a load has found nothing.
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
  enum class Place { kNone, kLater, kDue };  // which maps below hold it

  struct Chain {
    std::string name;
    std::deque<PendingDelivery> waiting;  // front is the head, unless it is taken
    bool head_taken = false;
    Place place = Place::kNone;
    absl::Time ready_time;  // of its head; these four are the keys in the maps
    absl::Time due_time;
    int priority = 0;
    int64_t number = 0;
  };

  void DoSettle(PendingDelivery delivery) override;
  void RemoveReady(int64_t number) override;
  bool Absorb(DueDeliveries* loaded) override;
  void Add(PendingDelivery delivery);
  // Files the chain by its head, if it has one that may be taken.
  void File(Chain* chain);
  void Unfile(Chain* chain);
  void Promote(absl::Time now);  // later -> due
  void EraseIfEmpty(Chain* chain);

  bool complete_;
  absl::flat_hash_map<std::string, std::unique_ptr<Chain>> chains_;
  absl::flat_hash_map<int64_t, Chain*> waiting_;  // number -> its chain
  // Chains whose heads may be taken: those that are not known to be due, by when, and those that
  // are, by priority and by age.
  absl::btree_map<std::pair<absl::Time, int64_t>, Chain*> later_;
  absl::btree_map<std::tuple<int, absl::Time, int64_t>, Chain*> due_by_priority_;  // negated
  absl::btree_map<std::pair<absl::Time, int64_t>, Chain*> due_by_age_;
  uint64_t takes_ = 0;
};

}  // namespace latchwire
