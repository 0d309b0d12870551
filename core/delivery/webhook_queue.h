// Holds a bounded window of one webhook's pending deliveries in memory. The rest stays in the store
// and is loaded later, so that a million pending deliveries cost no more memory than a few.
//
// A pure state machine: no I/O, no time of its own. Belongs to one thread.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "core/domain/pending_delivery.h"

namespace latchwire {

// A delivery is either in the window (ready, or taken and not settled yet) or only in the store,
// and never twice in the window: so it is never in flight twice. Checked in every build.
class WebhookQueue {
 public:
  // Higher priorities are taken first, but one take in this many takes the oldest delivery,
  // whatever its priority, so that none starves.
  static constexpr uint64_t kOldestEvery = 8;

  // At most `capacity` deliveries are ready in the window. `is_ordered`: IsOrdered of the webhook.
  // `store_has_work`: the store may hold pending deliveries already.
  static std::unique_ptr<WebhookQueue> Make(bool is_ordered, size_t capacity, bool store_has_work);
  virtual ~WebhookQueue() = default;

  // Offers a delivery that was just committed. False if it is left to the store, from which a load
  // will fetch it: there is no room, or (ordered) the store may hold an earlier one with its order
  // key. A full unordered queue lets a higher priority displace the newest of the lowest, but keeps
  // an eighth of its capacity for lower priorities.
  virtual bool Offer(PendingDelivery delivery) = 0;

  // When the next delivery of the window can be taken. InfinitePast: at once; InfiniteFuture: there
  // is none.
  virtual absl::Time NextReady() const = 0;
  // Takes the next ready delivery; it stays in the window, in flight, until Settle or Forget.
  // Requires NextReady() <= now.
  virtual PendingDelivery Take(absl::Time now) = 0;

  // Ends a taken delivery whose outcome is committed; `delivery` is as it is now. A pending one is
  // attempted again at its due time.
  void Settle(PendingDelivery delivery);
  // Ends a taken delivery that was not attempted after all, or whose outcome is not known here. The
  // store decides what becomes of it, and is not asked before `retry`.
  virtual void Forget(const Delivery& delivery, absl::Time retry) = 0;
  // Leaves all ready deliveries to the store. Taken ones stay taken.
  virtual void DropReady() = 0;
  // Removes a delivery that the store has ended otherwise (an overflow). If it is taken, its
  // attempt continues, and its state is read from the store afterwards.
  void Drop(int64_t number);
  // Leaves everything to the store, which has ended some deliveries without saying which: those
  // that are taken are looked up after their attempt, and a running load is repeated.
  void Invalidate();
  // Takes over a pending delivery that the store has changed (a retry by hand).
  virtual void Update(const Delivery& delivery) = 0;

  virtual size_t ready_count() const = 0;
  size_t ready_bytes() const { return ready_bytes_; }
  size_t taken_count() const { return taken_.size(); }
  int64_t displaced_count() const { return displaced_count_; }  // since it was made

  // Says that the store may hold deliveries that the window does not, the first due at `due`.
  virtual void MarkStoreWork(absl::Time due = absl::InfinitePast()) {
    store_next_due_ = std::min(store_next_due_, due);
  }
  // When a load may find something. InfinitePast: now; InfiniteFuture: not in the current state, or
  // a load is running.
  absl::Time NextLoad() const { return loading_ ? absl::InfiniteFuture() : store_next_due_; }
  bool loading() const { return loading_; }
  // Whether there is enough room for a load to be worth its cost: half of the window.
  bool HasRoom() const { return ready_count() * 2 <= capacity_; }
  // How many deliveries the window has room for.
  int LoadLimit() const { return static_cast<int>(capacity_ - std::min(capacity_, ready_count())); }

  // One load at a time: BeginLoad, then one of the others. Changes to deliveries in between are
  // accounted for, although the load's snapshot does not contain them.
  void BeginLoad();
  void EndLoad(DueDeliveries loaded);
  // The load failed; the next one may begin at `retry`.
  void EndFailedLoad(absl::Time retry);

  // What the next load must leave out because it is in the window: numbers for LoadDue (unordered),
  // order keys for LoadHeads (ordered).
  virtual absl::flat_hash_set<int64_t> ExcludedNumbers() const { return {}; }
  virtual absl::flat_hash_set<std::string> ExcludedOrderKeys() const { return {}; }
  virtual bool is_ordered() const = 0;

 protected:
  WebhookQueue(size_t capacity, bool store_has_work)
      : capacity_(capacity),
        store_next_due_(store_has_work ? absl::InfinitePast() : absl::InfiniteFuture()) {}
  static size_t SizeOf(const PendingDelivery& delivery);

  virtual void DoSettle(PendingDelivery delivery) = 0;
  virtual void RemoveReady(int64_t number) = 0;  // nothing if it is not ready
  // Moves loaded deliveries into the window; returns whether any were left out.
  virtual bool Absorb(DueDeliveries* loaded) = 0;
  void Taken(int64_t number);
  void Settled(int64_t number);
  // Deliveries that were settled while a load runs: its snapshot may be older, and they must not
  // come back.
  bool SettledDuringLoad(int64_t number) const { return settled_.contains(number); }

  const size_t capacity_;
  absl::flat_hash_set<int64_t> taken_;
  size_t ready_bytes_ = 0;
  int64_t displaced_count_ = 0;
  absl::Time store_next_due_;

 private:
  bool loading_ = false;
  bool discard_load_ = false;             // the running load is out of date
  absl::flat_hash_set<int64_t> settled_;  // while the load runs
  absl::flat_hash_set<int64_t> stale_;    // of taken_: the store knows better what they are
};

}  // namespace latchwire
