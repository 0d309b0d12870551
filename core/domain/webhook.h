// A webhook is a receiver's subscription. Plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/domain/limits.h"
#include "core/http/message.h"

namespace latchwire {

// The small number of a tenant, which begins every key. 1 is the default tenant.
using TenantId = int64_t;
inline constexpr TenantId kDefaultTenant = 1;

// Identifies a webhook inside the server.
struct WebhookKey {
  TenantId tenant = 0;
  int64_t uid = 0;

  friend auto operator<=>(const WebhookKey&, const WebhookKey&) = default;
  template <typename H>
  friend H AbslHashValue(H hash, const WebhookKey& key) {
    return H::combine(std::move(hash), key.tenant, key.uid);
  }
};

// The values are stored: never change one.
enum class WebhookState { kActive = 1, kDisabled = 2, kPaused = 3, kSuspended = 4 };
enum class WebhookFormat { kStandardWebhooks = 1 };
enum class WebhookOrdering { kNone = 1, kBySubject = 2 };
// kBestEffort makes one attempt for each event, in commit order, one in flight at a time.
enum class WebhookGuarantee { kAtLeastOnce = 1, kBestEffort = 2 };
// What happens to a new delivery when max_pending are already pending. Nothing is dropped silently:
// a dropped delivery is kept as DeliveryState::kDropped and counted.
enum class OverflowPolicy {
  kReject = 1,      // the event is refused with QUEUE_FULL and a time to retry
  kDropOldest = 2,  // the oldest pending delivery makes room
  kDropNewest = 3,  // the new delivery is dropped
};

// Matches an event if every part that is not empty matches.
struct EventMatch {
  std::string type_pattern;
  std::string source;
  std::string subject;

  friend bool operator==(const EventMatch&, const EventMatch&) = default;
};

// Delays that grow by a factor: first_delay, first_delay * factor, ..., capped at max_delay.
struct ExponentialRetry {
  absl::Duration first_delay;
  double factor = 2;
  absl::Duration max_delay;
  int max_attempts = 1;  // the first one included

  friend bool operator==(const ExponentialRetry&, const ExponentialRetry&) = default;
};

// delays[i] precedes attempt i + 2, so there are delays.size() + 1 attempts.
struct RetryPolicy {
  std::vector<absl::Duration> delays;
  // The form in which the user gave the policy, if so; `delays` holds the resulting delays.
  std::optional<ExponentialRetry> exponential = std::nullopt;
  // No attempt is scheduled later than this after the delivery was made or last retried by hand.
  absl::Duration total_window = absl::InfiniteDuration();

  static RetryPolicy Default();         // the Standard Webhooks schedule, about three days
  static RetryPolicy DefaultOrdered();  // minutes: a door's later events wait behind it
  static RetryPolicy FromExponential(const ExponentialRetry& exponential);
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// Limits how many attempts start over all deliveries of a webhook: a token bucket of size `burst`
// that fills at a steady rate.
struct RateLimit {
  double attempts_per_s = 0;  // 0 means no limit
  int burst = 1;

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

// After `failure_threshold` consecutive failures nothing is sent for `open_time`; then one probe at
// a time is sent, and each failed probe doubles the wait, up to `max_open_time`. A success closes
// the breaker. Deliveries that wait behind an open breaker lose no attempt.
struct CircuitBreakerPolicy {
  int failure_threshold = kDefaultBreakerThreshold;  // 0 means no breaker
  absl::Duration open_time = kDefaultBreakerOpenTime;
  absl::Duration max_open_time = kDefaultBreakerMaxOpenTime;

  friend bool operator==(const CircuitBreakerPolicy&, const CircuitBreakerPolicy&) = default;
};

// Suspends a webhook after `failure_count` consecutive failures if the first of them is at least
// `failure_span` ago. There is no window that a quiet door could fall out of: only a success resets
// the count.
struct AutoSuspendPolicy {
  int failure_count = kDefaultSuspendFailures;  // 0 means never
  absl::Duration failure_span = kDefaultSuspendSpan;

  friend bool operator==(const AutoSuspendPolicy&, const AutoSuspendPolicy&) = default;
};

// A secret that signs attempts from its creation until it expires.
struct WebhookSecret {
  std::string value;  // as the user writes it, such as whsec_...
  absl::Time create_time = absl::InfinitePast();
  absl::Time expire_time = absl::InfiniteFuture();  // exclusive; InfiniteFuture: never

  friend bool operator==(const WebhookSecret&, const WebhookSecret&) = default;
};

struct Webhook {
  WebhookKey key;
  std::string id;  // UUID
  std::string display_name;
  std::string url;
  WebhookFormat format = WebhookFormat::kStandardWebhooks;
  std::vector<EventMatch> any_of;  // empty matches every event
  std::map<std::string, std::string> headers;
  // Newest first, at most kMaxWebhookSecrets; the newest never expires. Several during a rotation;
  // none only where the format needs none.
  std::vector<WebhookSecret> secrets;
  absl::Duration timeout = kDefaultTimeout;
  RetryPolicy retry_policy = RetryPolicy::Default();
  WebhookOrdering ordering = WebhookOrdering::kNone;  // immutable: deliveries are filed by it
  WebhookGuarantee guarantee = WebhookGuarantee::kAtLeastOnce;  // immutable, like ordering
  int max_in_flight = kDefaultInFlight;
  RateLimit rate_limit;
  CircuitBreakerPolicy circuit_breaker;
  AutoSuspendPolicy auto_suspend;
  int64_t max_pending = 0;  // 0: limited only by the tenant's quota and the disk
  OverflowPolicy overflow = OverflowPolicy::kReject;
  std::shared_ptr<const TlsProfile> tls;  // null: the server's own trust, no client certificate
  absl::Duration max_event_age = absl::InfiniteDuration();
  std::map<std::string, std::string> annotations;
  WebhookState state = WebhookState::kActive;
  std::string state_reason;
  absl::Time state_time;
  absl::Time create_time;
  absl::Time update_time;
  int64_t revision = 0;  // counts changes; the etag
};

// Whether `secrets` are as Webhook.secrets must be.
bool AreOrderly(const std::vector<WebhookSecret>& secrets);

// Whether events that are accepted now become deliveries of a webhook in this state.
inline bool Matches(WebhookState state) { return state != WebhookState::kDisabled; }
// Whether a delivery must wait for the one before it with the same order key.
inline bool IsOrdered(const Webhook& webhook) {
  return webhook.ordering == WebhookOrdering::kBySubject ||
         webhook.guarantee == WebhookGuarantee::kBestEffort;
}
// Whether pending deliveries of a webhook in this state may be attempted.
inline bool Delivers(WebhookState state) { return state == WebhookState::kActive; }

}  // namespace latchwire
