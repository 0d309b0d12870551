// What memory holds of one webhook's pending deliveries. The rest is in the store: memory is a
// bounded window on it, refilled by loads, so that a million pending deliveries cost no more than
// one.
//
// A pure state machine: no I/O, no time of its own. The engine drives it.
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

// Invariant: a delivery is either in the window (ready, or taken and not settled) or only in the
// store; never twice in the window, and so never in flight twice.
class WebhookQueue {
 public:
  // While deliveries of several priorities can be taken, the higher leave first; but each take of
  // this many is of the oldest, so that none starves.
  static constexpr uint64_t kOldestEvery = 8;

  // Up to `capacity` deliveries wait in the window. `is_ordered`: see IsOrdered of a webhook.
  // `store_has_work`: the store may hold some already.
  static std::unique_ptr<WebhookQueue> Make(bool is_ordered, size_t capacity, bool store_has_work);
  virtual ~WebhookQueue() = default;

  // A delivery that was just committed. False when it is left to the store, from which a load will
  // bring it: no room, or (ordered) something with its order key may be waiting there. Unordered,
  // one of a higher priority displaces the newest of the lowest, but never the last eighth of what
  // waits below it.
  virtual bool Offer(PendingDelivery delivery) = 0;

  // When the next delivery of the window can be taken: InfinitePast if at once, InfiniteFuture if
  // none.
  virtual absl::Time NextReady() const = 0;
  // Takes it; NextReady() <= now. It counts as in flight until Settle or Forget.
  virtual PendingDelivery Take(absl::Time now) = 0;

  // The outcome of a taken delivery is committed; `delivery` is as it is now.
  void Settle(PendingDelivery delivery);
  // A taken delivery was not attempted after all, or its outcome is not known here: the store
  // decides, not before `retry`.
  virtual void Forget(const Delivery& delivery, absl::Time retry) = 0;
  // Drops all that is ready: the store has it. What is taken stays taken.
  virtual void DropReady() = 0;
  // The store has ended a delivery otherwise (an overflow): it leaves the window. If it is taken,
  // its attempt goes on, and what it is after that the store knows.
  void Drop(int64_t number);
  // The store has ended some, nobody says which: all that is here is looked up anew.
  void Invalidate();
  // The store has changed a pending delivery that the window may hold (a retry by hand).
  virtual void Update(const Delivery& delivery) = 0;

  virtual size_t ready_count() const = 0;
  size_t ready_bytes() const { return ready_bytes_; }
  size_t taken_count() const { return taken_.size(); }
  int64_t displaced_count() const { return displaced_count_; }  // since it was made

  // The store may hold deliveries that the window does not, the first of them due at `due`.
  virtual void MarkStoreWork(absl::Time due = absl::InfinitePast()) {
    store_next_due_ = std::min(store_next_due_, due);
  }
  // When the store is next worth a look: InfinitePast if now.
  absl::Time NextLoad() const { return loading_ ? absl::InfiniteFuture() : store_next_due_; }
  bool loading() const { return loading_; }
  // Whether there is room enough to make a load worth its while.
  bool HasRoom() const { return ready_count() * 2 <= capacity_; }
  int LoadLimit() const { return static_cast<int>(capacity_ - std::min(capacity_, ready_count())); }

  void BeginLoad();
  // What the load brought; or that it failed, and when to try again.
  void EndLoad(DueDeliveries loaded);
  void EndFailedLoad(absl::Time retry);

  // What a load must leave out. Unordered: LoadDue with these numbers. Ordered: LoadHeads with
  // these order keys.
  virtual absl::flat_hash_set<int64_t> ExcludedNumbers() const { return {}; }
  virtual absl::flat_hash_set<std::string> ExcludedOrderKeys() const { return {}; }
  virtual bool is_ordered() const = 0;

 protected:
  WebhookQueue(size_t capacity, bool store_has_work)
      : capacity_(capacity),
        store_next_due_(store_has_work ? absl::InfinitePast() : absl::InfiniteFuture()) {}
  static size_t SizeOf(const PendingDelivery& delivery);

  virtual void DoSettle(PendingDelivery delivery) = 0;
  virtual void RemoveReady(int64_t number) = 0;  // nothing when it is not there
  // Puts what a load brought into the window, and says whether it left any of it out.
  virtual bool Absorb(DueDeliveries* loaded) = 0;
  void Settled(int64_t number);
  // While a load runs, its snapshot may be older than what was settled since: such deliveries must
  // not come back.
  bool SettledDuringLoad(int64_t number) const { return settled_.contains(number); }

  const size_t capacity_;
  absl::flat_hash_set<int64_t> taken_;
  size_t ready_bytes_ = 0;
  int64_t displaced_count_ = 0;
  absl::Time store_next_due_;

 private:
  bool loading_ = false;
  bool discard_load_ = false;
  absl::flat_hash_set<int64_t> settled_;
  absl::flat_hash_set<int64_t> stale_;  // taken, and the store knows better what they are
};

}  // namespace latchwire
