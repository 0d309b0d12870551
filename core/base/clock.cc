#include "core/base/clock.h"

#include <ctime>

#include "absl/time/clock.h"

namespace latchwire {
namespace {

class RealClock : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
  absl::Duration Monotonic() const override {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return absl::DurationFromTimespec(now);
  }
};

}  // namespace

Clock* SystemClock() {
  static Clock* const clock = new RealClock;
  return clock;
}

}  // namespace latchwire
