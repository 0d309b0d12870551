// Deliveries that wait for an attempt, as a store hands them to whoever attempts them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/event.h"
#include "core/domain/webhook.h"

namespace latchwire {

// A delivery with the event it carries, ready to be attempted.
struct PendingDelivery {
  Delivery delivery;
  std::shared_ptr<const Event> event;
  // Of a delivery that comes straight from its commit: the monotonic time of that; else unset.
  absl::Duration commit_time = absl::InfiniteDuration();
};

// A load stops, with `more` set, when it has gathered this much event data.
inline constexpr size_t kMaxLoadBytes = 8 * 1024 * 1024;

struct DueDeliveries {
  std::vector<PendingDelivery> deliveries;
  // The load stopped at its limit: more may be due.
  bool more = false;
  // When nothing more is due now: when the next one will be; InfiniteFuture when none is pending.
  absl::Time next_due = absl::InfiniteFuture();
};

struct WebhookWork {
  WebhookKey webhook;
  // When its earliest pending delivery is due. Of an ordered webhook it may be earlier, even
  // InfinitePast: LoadHeads knows better.
  absl::Time first_due;
};

}  // namespace latchwire
