#include "core/domain/delivery.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/http/decimal.h"

namespace latchwire {
namespace {

constexpr double kJitter = 0.1;
constexpr int kGone = 410;
// Longer than any policy's longest delay, and safe to add to any time.
constexpr absl::Duration kLongestRetryAfter = absl::Hours(366 * 24);

}  // namespace

std::string OrderKeyOf(const Webhook& webhook, absl::string_view source,
                       absl::string_view subject) {
  return webhook.ordering == WebhookOrdering::kBySubject ? OrderKeyOf(source, subject) : "*";
}

std::string OrderKeyOf(absl::string_view source, absl::string_view subject) {
  // The length in front keeps ("a/b", "c") and ("a", "b/c") apart.
  return absl::StrCat(source.size(), ":", source, "/", subject);
}

Outcome Judge(const Attempt& attempt, const Delivery& delivery, const RetryPolicy& policy,
              absl::Duration retry_after, double jitter, absl::Time now) {
  if (attempt.http_status >= 200 && attempt.http_status < 300) {
    return {.state = DeliveryState::kSucceeded, .due_time = {}, .suspend_webhook = false};
  }
  const bool gone = attempt.http_status == kGone;
  const size_t failures = static_cast<size_t>(std::max(delivery.failure_count, 0));
  const auto exhausted = [gone, now] {
    if (!gone) return Outcome{.state = DeliveryState::kDead, .due_time = {}};
    // Held by the suspension, not by time: once the user resumes the webhook, it may leave at once.
    return Outcome{.state = DeliveryState::kPending, .due_time = now, .suspend_webhook = true};
  };
  if (failures >= policy.delays.size()) return exhausted();
  const double spread = 1.0 - kJitter + 2.0 * kJitter * std::clamp(jitter, 0.0, 1.0);
  const absl::Duration longest = *std::max_element(policy.delays.begin(), policy.delays.end());
  const absl::Duration delay =
      std::max(policy.delays[failures] * spread, std::min(retry_after, longest));
  const absl::Time window_start = std::max(delivery.create_time, delivery.retry_time);
  if (now + delay > window_start + policy.total_window) return exhausted();
  return {.state = DeliveryState::kPending, .due_time = now + delay, .suspend_webhook = gone};
}

Outcome Judge(const Attempt& attempt, const Delivery& delivery, const Webhook& webhook,
              absl::Duration retry_after, double jitter, absl::Time now) {
  Outcome outcome = Judge(attempt, delivery, webhook.retry_policy, retry_after, jitter, now);
  if (webhook.guarantee == WebhookGuarantee::kBestEffort &&
      outcome.state == DeliveryState::kPending) {
    outcome.state = DeliveryState::kDead;
  }
  return outcome;
}

absl::Duration ParseRetryAfter(absl::string_view value, absl::Time now) {
  value = absl::StripAsciiWhitespace(value);
  if (value.empty()) return absl::ZeroDuration();
  if (IsDecimal(value)) {
    int64_t seconds = 0;
    if (!absl::SimpleAtoi(value, &seconds)) return kLongestRetryAfter;  // digits, but too many
    return std::min(absl::Seconds(seconds), kLongestRetryAfter);
  }
  // The three forms of an HTTP date; all are GMT.
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    absl::Time time;
    if (absl::ParseTime(format, value, &time, nullptr)) {
      return std::clamp(time - now, absl::ZeroDuration(), kLongestRetryAfter);
    }
  }
  return absl::ZeroDuration();
}

}  // namespace latchwire
