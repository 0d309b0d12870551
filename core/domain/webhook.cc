#include "core/domain/webhook.h"

#include <algorithm>

#include "absl/algorithm/container.h"

namespace latchwire {

RetryPolicy RetryPolicy::Default() {
  return {{absl::Seconds(5), absl::Minutes(5), absl::Minutes(30), absl::Hours(2), absl::Hours(5),
           absl::Hours(10), absl::Hours(14), absl::Hours(20), absl::Hours(24)}};
}

RetryPolicy RetryPolicy::DefaultOrdered() {
  return {{absl::Seconds(1), absl::Seconds(5), absl::Seconds(15), absl::Seconds(30),
           absl::Minutes(1), absl::Minutes(2), absl::Minutes(3)}};
}

RetryPolicy RetryPolicy::FromExponential(const ExponentialRetry& exponential) {
  RetryPolicy policy;
  policy.exponential = exponential;
  absl::Duration delay = exponential.first_delay;
  for (int attempt = 2; attempt <= exponential.max_attempts; ++attempt) {
    policy.delays.push_back(std::min(delay, exponential.max_delay));
    delay = std::min(delay * exponential.factor, exponential.max_delay);
  }
  return policy;
}

bool AreOrderly(const std::vector<WebhookSecret>& secrets) {
  if (secrets.empty()) return true;
  return secrets.size() <= kMaxWebhookSecrets &&
         secrets.front().expire_time == absl::InfiniteFuture() &&
         absl::c_is_sorted(secrets, [](const WebhookSecret& a, const WebhookSecret& b) {
           return a.create_time > b.create_time;
         });
}

}  // namespace latchwire
