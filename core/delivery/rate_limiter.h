// Limits how often attempts start: a token bucket that fills at a steady rate, stored as the time
// at which it will be full again.
//
// A pure state machine over monotonic time (absl::Duration since any start).
#pragma once

#include "absl/time/time.h"
#include "core/domain/webhook.h"

namespace latchwire {

// A token bucket: in any period of t seconds at most burst + t * attempts_per_s tokens are taken,
// as long as the limit does not change. It starts full.
class RateLimiter {
 public:
  // When the next token is available. -InfiniteDuration: now, or there is no limit.
  absl::Duration NextStart(const RateLimit& limit, absl::Duration now) const;
  // Takes a token. Requires that NextStart has come.
  void Take(const RateLimit& limit, absl::Duration now);

 private:
  // When the bucket is full, but never later than an empty bucket of this limit would be: a limit
  // that was raised does not keep anybody waiting for the old one.
  absl::Duration FullAt(const RateLimit& limit, absl::Duration now) const;

  absl::Duration full_at_ = -absl::InfiniteDuration();
};

}  // namespace latchwire
