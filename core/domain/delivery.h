// A delivery is one event on its way to one webhook; an attempt is one request to the receiver.
// Plain values and their rules.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/webhook.h"

namespace latchwire {

// Names a delivery: `deliveries/{webhook_uid}-{event_number}`.
struct DeliveryKey {
  WebhookKey webhook;
  int64_t event_number = 0;

  friend auto operator<=>(const DeliveryKey&, const DeliveryKey&) = default;
  template <typename H>
  friend H AbslHashValue(H hash, const DeliveryKey& key) {
    return H::combine(std::move(hash), key.webhook, key.event_number);
  }
};

// The values are stored: never change one.
enum class DeliveryState { kPending = 0, kSucceeded = 1, kDead = 2, kExpired = 3, kDropped = 4 };

struct Attempt {
  int number = 0;  // 1 for the first
  absl::Time start_time;
  absl::Duration duration;
  int http_status = 0;        // 0: there was no answer
  std::string error;          // such as TIMEOUT; empty when there was an answer
  std::string error_detail;   // for people
  std::string response_body;  // at most kKeptResponseBytes
};

struct Delivery {
  DeliveryKey key;
  DeliveryState state = DeliveryState::kPending;
  int attempt_count = 0;
  // Position in the retry policy: failed attempts since the delivery was made or last retried by
  // hand.
  int failure_count = 0;
  absl::Time create_time;
  absl::Time retry_time = absl::InfinitePast();  // when it was last retried by hand or recovered
  absl::Time due_time;                           // of the next attempt; set only while pending
  absl::Time expire_time = absl::InfiniteFuture();
  int priority = 4;
  std::string order_key;  // see OrderKeyOf; empty unless the webhook IsOrdered
  int last_http_status = 0;
  std::string last_error;
};

// Returns the order key of an event for an ordered webhook (IsOrdered); it is never empty. With
// ORDERING_BY_SUBJECT it is derived from source and subject; with BEST_EFFORT alone all events share
// one.
std::string OrderKeyOf(absl::string_view source, absl::string_view subject);
std::string OrderKeyOf(const Webhook& webhook, absl::string_view source, absl::string_view subject);

// What the end of an attempt means for its delivery.
struct Outcome {
  DeliveryState state = DeliveryState::kPending;
  absl::Time due_time;           // set if `state` is kPending
  bool suspend_webhook = false;  // the receiver answered 410
};

// `attempt` of `delivery` (as it was before) has ended. 2xx succeeds; anything else fails: retried
// by the policy (each delay varied by up to 10 % by `jitter` in [0, 1), lengthened by `retry_after`
// up to the policy's longest delay), dead when the policy is exhausted or the next attempt would
// come after its total_window. 410 also suspends, and the delivery stays pending for when the
// webhook is resumed.
Outcome Judge(const Attempt& attempt, const Delivery& delivery, const RetryPolicy& policy,
              absl::Duration retry_after, double jitter, absl::Time now);

// The same under the guarantee of the webhook: kBestEffort makes one attempt whatever its
// retry_policy says, so even a 410 leaves nothing to wait for.
Outcome Judge(const Attempt& attempt, const Delivery& delivery, const Webhook& webhook,
              absl::Duration retry_after, double jitter, absl::Time now);

// Reads Retry-After as seconds or as an HTTP date (RFC 9110 10.2.3). Zero if it is absent or
// unreadable.
absl::Duration ParseRetryAfter(absl::string_view value, absl::Time now);

}  // namespace latchwire
