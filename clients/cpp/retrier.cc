#include "clients/cpp/retrier.h"

#include <utility>

#include "absl/time/clock.h"
#include "core/base/check.h"
#include "latchwire/client/error.h"

namespace latchwire::client {

Retrier::Retrier(RetryOptions options) : options_(std::move(options)) {
  if (!options_.sleep) options_.sleep = [](absl::Duration delay) { absl::SleepFor(delay); };
  LATCHWIRE_CHECK(options_.clock != nullptr && options_.random != nullptr);
}

Backoff Retrier::MakeBackoff() const {
  return Backoff(absl::Milliseconds(100), absl::Seconds(5), options_.random);
}

std::optional<absl::Duration> Retrier::WaitBeforeRetry(const absl::Status& status, bool idempotent,
                                                       absl::Duration deadline,
                                                       Backoff* backoff) const {
  if (status.ok()) return std::nullopt;
  const ErrorDetails details = DetailsOf(status);
  // A reason is the server's word that it did nothing; a broken connection leaves that open.
  const bool passes = absl::IsUnavailable(status) ? idempotent || !details.reason.empty()
                                                  : details.retry_delay.has_value();
  if (!passes) return std::nullopt;
  const absl::Duration wait = backoff->Next() + details.retry_delay.value_or(absl::ZeroDuration());
  LATCHWIRE_DCHECK(wait >= absl::ZeroDuration());
  if (options_.clock->Monotonic() + wait >= deadline) return std::nullopt;
  return wait;
}

}  // namespace latchwire::client
