#include "core/delivery/attempt.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "core/domain/limits.h"

namespace latchwire {

HttpRequest BuildRequest(const Event& event, const Webhook& webhook, const FormatContext& context) {
  HttpRequest request = GetFormat(webhook.format)->Render(event, webhook, context);
  request.timeout = webhook.timeout;
  request.response_body_limit = kKeptResponseBytes;
  request.tls = webhook.tls;
  return request;
}

bool WasAttempted(const HttpResult& result) {
  return result.error != TransportError::kOverloaded && result.error != TransportError::kShutdown;
}

Attempt MakeAttempt(int number, absl::Time start_time, HttpResult result) {
  LATCHWIRE_DCHECK(number > 0 && WasAttempted(result));
  Attempt attempt;
  attempt.number = number;
  attempt.start_time = start_time;
  attempt.duration = result.duration;
  if (result.error == TransportError::kNone) {
    attempt.http_status = result.http_status;
  } else {
    attempt.error = std::string(TransportErrorName(result.error));
    attempt.error_detail = std::move(result.detail);
  }
  attempt.response_body = std::move(result.body);
  attempt.response_body.resize(std::min(attempt.response_body.size(), kKeptResponseBytes));
  return attempt;
}

Outcome ApplyAttempt(const Attempt& attempt, absl::string_view retry_after, const Webhook* webhook,
                     double jitter, absl::Time now, Delivery& delivery) {
  LATCHWIRE_DCHECK(attempt.number == delivery.attempt_count + 1);
  const absl::Duration wait = ParseRetryAfter(retry_after, now);
  const Outcome outcome = webhook == nullptr
                              ? Judge(attempt, delivery, RetryPolicy(), wait, jitter, now)
                              : Judge(attempt, delivery, *webhook, wait, jitter, now);
  delivery.state = outcome.state;
  delivery.due_time = outcome.due_time;
  delivery.attempt_count = attempt.number;
  if (outcome.state != DeliveryState::kSucceeded) ++delivery.failure_count;
  delivery.last_http_status = attempt.http_status;
  delivery.last_error = attempt.error;
  return outcome;
}

}  // namespace latchwire
