#include "server/state/event_quota.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

// What rounding may cost: whoever waited as long as it was told gets through.
constexpr double kTolerance = 1e-6;

double BurstOf(double per_s) { return std::max(1.0, per_s); }

}  // namespace

absl::Duration EventQuota::TryTake(TenantId tenant, size_t events) {
  const double per_s = configuration_.MaxEventsPerSecond(tenant);
  if (per_s == 0 || events == 0) return absl::ZeroDuration();
  const absl::Duration now = clock_.Monotonic();
  const double burst = BurstOf(per_s);
  MutexLock lock(&mutex_);
  const auto [found, is_new] = buckets_.try_emplace(tenant, Bucket{burst, now});
  Bucket& bucket = found->second;
  const double filled = absl::ToDoubleSeconds(now - bucket.filled_at) * per_s;
  bucket.tokens = std::min(burst, bucket.tokens + std::max(0.0, filled));
  bucket.filled_at = now;
  const double wanted = static_cast<double>(events);
  const double needed = std::min(wanted, burst);
  if (bucket.tokens + kTolerance >= needed) {
    bucket.tokens -= wanted;
    return absl::ZeroDuration();
  }
  return absl::Ceil(absl::Seconds((needed - bucket.tokens) / per_s), absl::Milliseconds(1));
}

absl::Status EventQuota::Take(TenantId tenant, size_t events) {
  const absl::Duration wait = TryTake(tenant, events);
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  const double limit = configuration_.MaxEventsPerSecond(tenant);
  return WithRetryAfter(
      MakeError(absl::StatusCode::kResourceExhausted, error_reason::kQuotaExceeded,
                absl::StrCat("the tenant's quota max_events_per_second = ", limit, " is reached"),
                {{"quota", "max_events_per_second"}, {"limit", absl::StrCat(limit)}}),
      wait);
}

void EventQuota::GiveBack(TenantId tenant, size_t events) {
  if (events == 0) return;
  MutexLock lock(&mutex_);
  const auto found = buckets_.find(tenant);
  if (found != buckets_.end()) found->second.tokens += static_cast<double>(events);
}

}  // namespace latchwire
