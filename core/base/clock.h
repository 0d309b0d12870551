// Time as a dependency, so that everything that waits can be tested in simulated time.
#pragma once

#include "absl/time/time.h"

namespace latchwire {

// Thread-safe. Wall-clock and monotonic time are kept apart on purpose: a device may boot in 1970
// and an operator may set the wall clock back, so durations are only ever taken from the monotonic
// clock.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time, for what people and receivers read (occur_time, signature timestamps, due
  // times).
  virtual absl::Time Now() const = 0;
  // Time since an arbitrary start that never goes back, for timeouts and latencies.
  virtual absl::Duration Monotonic() const = 0;
};

// Returns the machine's own clocks. Never destroyed.
Clock* SystemClock();

}  // namespace latchwire
