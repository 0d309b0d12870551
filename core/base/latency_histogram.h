// Counts latencies without locks, so that a hot path can afford it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace latchwire {

// Thread-safe. Each bucket is a quarter wider than the one before, from 50 us to about 80 s, so a
// quantile is at most a quarter off.
class LatencyHistogram {
 public:
  static constexpr int kBuckets = 64;

  void Record(absl::Duration duration);

  struct Snapshot {
    std::array<int64_t, kBuckets + 1> counts{};  // the last counts what is beyond all bounds
    absl::Duration sum;

    int64_t Count() const;
    // Interpolates within the bucket; `quantile` is in (0, 1]. Zero if nothing was counted.
    absl::Duration Quantile(double quantile) const;
  };
  Snapshot Read() const;
  static absl::Duration UpperBound(int bucket);

 private:
  std::array<std::atomic<int64_t>, kBuckets + 1> counts_{};
  std::atomic<int64_t> sum_ns_{0};
};

}  // namespace latchwire
