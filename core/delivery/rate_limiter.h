// A bucket of tokens that fills at a steady rate, kept as one time: when it will be full again.
//
// A pure state machine over monotonic time (absl::Duration since any start).
#pragma once

#include "absl/time/time.h"
#include "core/domain/webhook.h"

namespace latchwire {

// Within any stretch of time t no more than burst + t * attempts_per_s tokens are taken, as long as
// the limit stays what it is. Starts full.
class RateLimiter {
 public:
  // When a token will be there: -InfiniteDuration when one is there, or there is no limit.
  absl::Duration NextStart(const RateLimit& limit, absl::Duration now) const;
  // NextStart has come.
  void Take(const RateLimit& limit, absl::Duration now);

 private:
  // A limit that was changed does not make anybody wait longer than its own bucket takes to fill.
  absl::Duration FullAt(const RateLimit& limit, absl::Duration now) const;

  absl::Duration full_at_ = -absl::InfiniteDuration();
};

}  // namespace latchwire
