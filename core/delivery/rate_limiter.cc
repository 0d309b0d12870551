#include "core/delivery/rate_limiter.h"

#include <algorithm>

#include "core/base/check.h"

namespace latchwire {
namespace {

absl::Duration TokenTime(const RateLimit& limit) { return absl::Seconds(1) / limit.attempts_per_s; }

}  // namespace

absl::Duration RateLimiter::FullAt(const RateLimit& limit, absl::Duration now) const {
  return std::min(full_at_, now + std::max(limit.burst, 1) * TokenTime(limit));
}

absl::Duration RateLimiter::NextStart(const RateLimit& limit, absl::Duration now) const {
  if (limit.attempts_per_s <= 0) return -absl::InfiniteDuration();
  const absl::Duration next =
      FullAt(limit, now) - (std::max(limit.burst, 1) - 1) * TokenTime(limit);
  return next <= now ? -absl::InfiniteDuration() : next;
}

void RateLimiter::Take(const RateLimit& limit, absl::Duration now) {
  if (limit.attempts_per_s <= 0) return;
  LATCHWIRE_DCHECK(NextStart(limit, now) <= now, "no token is there");
  full_at_ = std::max(FullAt(limit, now), now) + TokenTime(limit);
}

}  // namespace latchwire
