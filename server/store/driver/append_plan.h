// What an append will do, decided before anything is written. For drivers only.
//
// A driver makes the plan, answers what it asks for (ids, the tenant's bytes, pending counts), and
// then writes what it says. Each of its checks may refuse the append; nothing has been written then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/store/mutations/append.h"

namespace latchwire {

// STALE_GENERATION unless the events were matched against `current`, the tenant's generation.
absl::Status CheckGeneration(const MatchedEvents& append, int64_t current);

class AppendPlan {
 public:
  // The new deliveries of one webhook that has max_pending.
  struct Room {
    int64_t max_pending = 0;
    OverflowPolicy overflow = OverflowPolicy::kReject;
    int64_t incoming = 0;  // deliveries that the append brings
    // Decided by SetPending:
    int64_t drop_stored = 0;  // number of stored pending deliveries to drop, oldest first
    int64_t drop_first = 0;   // number of the new ones to drop at once, from the first
    int64_t keep_first = 0;   // number of those after them to keep; the rest are dropped at once
  };

  // `append` outlives the plan. Its first `repeated` events were stored by an earlier batch of the
  // same agent. Fails with EVENT_ID_CONFLICT if an id comes twice with different contents.
  static absl::StatusOr<AppendPlan> Make(const MatchedEvents& append, size_t repeated);

  // Events whose ids must be looked up, as ascending indexes.
  absl::Span<const size_t> lookups() const { return lookups_; }
  // One of them is stored under `number`; `stored` is null if the event itself is gone by its age,
  // which leaves nothing to compare with. EVENT_ID_CONFLICT if its content is another.
  absl::Status SetKnown(size_t index, int64_t number, const Event* stored);

  // After every known event was set: sums up what is new. QUOTA_EXCEEDED if the tenant, which has
  // `stored_bytes`, would have more than it may.
  absl::Status CountNew(int64_t stored_bytes);
  int64_t new_events() const { return new_events_; }
  int64_t new_bytes() const { return new_bytes_; }

  // The webhooks with max_pending, by uid. Call SetPending for each.
  const absl::btree_map<int64_t, Room>& rooms() const { return rooms_; }
  // `pending`: deliveries of the webhook that are pending now. QUEUE_FULL if they leave no room.
  absl::Status SetPending(int64_t webhook_uid, int64_t pending);

  bool IsNew(size_t index) const;
  // The result of an event that is not new, given those of the events before it.
  AppendResult::OfEvent Duplicate(size_t index,
                                  absl::Span<const AppendResult::OfEvent> before) const;
  // Whether the next new delivery to `target` is dropped at once. Once for each new delivery, in
  // order.
  bool TakePlace(const DeliveryTarget& target);

 private:
  // A known event: `number`, or the one at index `repeats` of the same append.
  struct Known {
    int64_t number = 0;
    std::optional<size_t> repeats;
  };

  AppendPlan(const MatchedEvents& append, size_t repeated)
      : append_(&append), repeated_(repeated) {}
  absl::Status FindRepeats();

  const MatchedEvents* append_;
  size_t repeated_;
  std::vector<Known> known_;  // empty, or one for each event
  std::vector<size_t> lookups_;
  absl::btree_map<int64_t, Room> rooms_;
  int64_t new_events_ = 0;
  int64_t new_bytes_ = 0;
};

}  // namespace latchwire
