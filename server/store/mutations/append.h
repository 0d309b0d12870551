// Appending events with their deliveries. Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/event.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"

namespace latchwire {

// A delivery to be made of a new event.
struct DeliveryTarget {
  int64_t webhook_uid = 0;
  std::string order_key;  // not empty for webhooks IsOrdered, see OrderKeyOf
  absl::Time expire_time = absl::InfiniteFuture();
  // Copied from the webhook, so that the store need not know its configuration. 0: no limit.
  int64_t max_pending = 0;
  OverflowPolicy overflow = OverflowPolicy::kReject;
};

struct NewEvent {
  // Shared with the deliveries that are handed on after the commit. Its number is 0: the store says
  // the number in its result, and the writer, which alone hands the event on, sets it then.
  std::shared_ptr<Event> event;
  std::vector<DeliveryTarget> targets;  // by ascending uid, each once
  // The caller chose the id, so the store looks for it among the ids of the last 8 days. Otherwise
  // the id is known to be new and is only written down.
  bool deduplicate = false;
};

// Events and the deliveries that they become, by one look at the tenant's webhooks: what every
// append has in common. All of them are stored or none.
//
// Fails with STALE_GENERATION if the tenant's configuration has changed since the events were
// matched: match again and resubmit. An id that was seen within 8 days with the same content is a duplicate; with
// other content it fails with EVENT_ID_CONFLICT. A webhook with kReject that has no room for all of
// its new deliveries fails it with QUEUE_FULL (kResourceExhausted; metadata `webhook_uid`,
// `max_pending`; a time to retry), a tenant that would store more than max_stored_bytes with
// QUOTA_EXCEEDED (metadata `quota`, `limit`). Duplicates count for neither.
struct MatchedEvents {
  TenantId tenant = 0;
  int64_t generation = 0;  // of the configuration that the events were matched against
  // Becomes create_time and due_time of the deliveries, and tells the day of the ids.
  absl::Time now;
  int64_t max_stored_bytes = 0;  // the tenant's quota; 0: none
  std::vector<NewEvent> events;  // may be empty
};

// What became of an append.
struct AppendResult {
  enum class Kind {
    kStored,
    kDuplicate,  // stored before: no new deliveries
  };
  struct OfEvent {
    Kind kind = Kind::kDuplicate;
    // Of the stored event. 0: a duplicate that an agent sent again, whose number is not looked up.
    int64_t number = 0;

    friend bool operator==(const OfEvent&, const OfEvent&) = default;
  };

  // One for each event of the input, in its order.
  absl::InlinedVector<OfEvent, 1> events;
  // New deliveries that found no room and are stored as kDropped: with kDropNewest those past
  // max_pending, with kDropOldest those that newer ones of the same append displace. In the order of
  // the events and their targets.
  std::vector<DeliveryKey> dropped_new;
  // Older deliveries that became kDropped to make room (kDropOldest).
  std::vector<DeliveryKey> dropped_old;
  // Of every webhook whose counters moved, as they are now; so in every result that has `stats`.
  std::vector<WebhookStats> stats;
  int64_t stored_bytes = 0;  // by the tenant, now
  int64_t stored_events = 0;
};

// What publishers bring.
struct AppendPublished : MatchedEvents {
  struct Result : AppendResult {};
};

}  // namespace latchwire
