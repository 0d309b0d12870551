// A webhook: a receiver's subscription. Plain values.
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

namespace latchwire {

// A tenant's small number, which leads every key. 1 is the default tenant.
using TenantId = int64_t;
inline constexpr TenantId kDefaultTenant = 1;

// A webhook's key inside the server.
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
// kBestEffort: one attempt, in the order of the commits, one in flight at a time.
enum class WebhookGuarantee { kAtLeastOnce = 1, kBestEffort = 2 };
// What happens to a new delivery when max_pending wait already. Nothing is ever dropped silently: a
// dropped delivery is kept as DeliveryState::kDropped, and counted.
enum class OverflowPolicy {
  kReject = 1,      // the event is refused, QUEUE_FULL, with a time to retry
  kDropOldest = 2,  // the oldest that waits makes room
  kDropNewest = 3,  // the new one is dropped
};

// Fits an event when every part that is not empty fits.
struct EventMatch {
  std::string type_pattern;
  std::string source;
  std::string subject;

  friend bool operator==(const EventMatch&, const EventMatch&) = default;
};

// Delays that grow by a factor: first, first * factor, ... but never above max_delay.
struct ExponentialRetry {
  absl::Duration first_delay;
  double factor = 2;
  absl::Duration max_delay;
  int max_attempts = 1;  // the first one included

  friend bool operator==(const ExponentialRetry&, const ExponentialRetry&) = default;
};

// delays[i] comes before attempt i + 2; so there are delays.size() + 1 attempts.
struct RetryPolicy {
  std::vector<absl::Duration> delays;
  // How the user wrote it; `delays` holds what follows from it.
  std::optional<ExponentialRetry> exponential = std::nullopt;
  // No attempt is planned for later than this after the delivery was made or last retried by hand.
  absl::Duration total_window = absl::InfiniteDuration();

  static RetryPolicy Default();         // the Standard Webhooks schedule, about three days
  static RetryPolicy DefaultOrdered();  // minutes: a door's later events wait behind it
  static RetryPolicy FromExponential(const ExponentialRetry& exponential);
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// Attempts that start, over all deliveries of a webhook: a bucket of `burst` that fills at a steady
// rate.
struct RateLimit {
  double attempts_per_s = 0;  // 0: no limit
  int burst = 1;

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

// After so many failures in a row nothing is sent for open_time; then one probe at a time, and
// every failed one doubles the wait, up to max_open_time. A success closes the breaker. What waits
// behind an open breaker loses no attempt by it.
struct CircuitBreakerPolicy {
  int failure_threshold = kDefaultBreakerThreshold;  // 0: no breaker
  absl::Duration open_time = kDefaultBreakerOpenTime;
  absl::Duration max_open_time = kDefaultBreakerMaxOpenTime;

  friend bool operator==(const CircuitBreakerPolicy&, const CircuitBreakerPolicy&) = default;
};

// Suspends a webhook after so many failures in a row if the first of them is at least so long ago.
// There is no window that a quiet door would fall out of: only a success starts the count anew.
struct AutoSuspendPolicy {
  int failure_count = kDefaultSuspendFailures;  // 0: never
  absl::Duration failure_span = kDefaultSuspendSpan;

  friend bool operator==(const AutoSuspendPolicy&, const AutoSuspendPolicy&) = default;
};

// How to speak TLS with the receiver; PEM texts. Empty parts: the server's own trust, no client
// certificate.
struct WebhookTls {
  std::string ca_certificates;
  std::string client_certificate;
  std::string client_key;

  bool empty() const { return ca_certificates.empty() && client_certificate.empty(); }
  friend bool operator==(const WebhookTls&, const WebhookTls&) = default;
};

struct Webhook {
  WebhookKey key;
  std::string id;  // UUID
  std::string display_name;
  std::string url;
  WebhookFormat format = WebhookFormat::kStandardWebhooks;
  std::vector<EventMatch> any_of;  // empty: every event
  std::map<std::string, std::string> headers;
  std::string secret;  // as the user writes it, such as whsec_...
  absl::Duration timeout = kDefaultTimeout;
  RetryPolicy retry_policy = RetryPolicy::Default();
  WebhookOrdering ordering = WebhookOrdering::kNone;  // never changes: deliveries are filed by it
  WebhookGuarantee guarantee = WebhookGuarantee::kAtLeastOnce;  // never changes, like ordering
  int max_in_flight = kDefaultInFlight;
  RateLimit rate_limit;
  CircuitBreakerPolicy circuit_breaker;
  AutoSuspendPolicy auto_suspend;
  int64_t max_pending = 0;  // 0: no limit but the tenant's quota and the disk
  OverflowPolicy overflow = OverflowPolicy::kReject;
  std::shared_ptr<const WebhookTls> tls;  // null: none of its own
  absl::Duration max_event_age = absl::InfiniteDuration();
  std::map<std::string, std::string> annotations;
  WebhookState state = WebhookState::kActive;
  std::string state_reason;
  absl::Time state_time;
  absl::Time create_time;
  absl::Time update_time;
  int64_t revision = 0;  // counts changes; the etag
};

// Whether events accepted now become deliveries of this webhook.
inline bool Matches(WebhookState state) { return state != WebhookState::kDisabled; }
// Whether a delivery must wait for the one before it with the same order key.
inline bool IsOrdered(const Webhook& webhook) {
  return webhook.ordering == WebhookOrdering::kBySubject ||
         webhook.guarantee == WebhookGuarantee::kBestEffort;
}
// Whether its pending deliveries may be attempted now.
inline bool Delivers(WebhookState state) { return state == WebhookState::kActive; }

}  // namespace latchwire
