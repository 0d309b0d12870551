// A webhook: a receiver's subscription. Plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
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

// Fits an event when every part that is not empty fits.
struct EventMatch {
  std::string type_pattern;
  std::string source;
  std::string subject;

  friend bool operator==(const EventMatch&, const EventMatch&) = default;
};

// delays[i] comes before attempt i + 2; so there are delays.size() + 1 attempts.
struct RetryPolicy {
  std::vector<absl::Duration> delays;

  static RetryPolicy Default();  // the Standard Webhooks schedule
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
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
  int max_in_flight = kDefaultInFlight;
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
// Whether its pending deliveries may be attempted now.
inline bool Delivers(WebhookState state) { return state == WebhookState::kActive; }

}  // namespace latchwire
