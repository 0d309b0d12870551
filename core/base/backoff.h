// Delays between retries of our own (reconnects, flushes). Deliveries follow the retry policy of
// their webhook instead (core/domain/webhook.h).
#pragma once

#include "absl/time/time.h"
#include "core/base/random.h"

namespace latchwire {

// Exponential backoff with full jitter: each delay is uniform in (0, current], and `current`
// doubles up to `cap`.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration cap, Random* random)
      : first_(first), cap_(cap), current_(first), random_(random) {}
  absl::Duration Next();
  void Reset() { current_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration cap_;
  absl::Duration current_;
  Random* const random_;
};

}  // namespace latchwire
