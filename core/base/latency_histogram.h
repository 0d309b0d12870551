// How long things take, counted without locks so that a hot path can afford it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace latchwire {

// Thread-safe. Buckets grow by a quarter each, from 50 us to about 80 s, so that a quantile read
// from them is at most a quarter off.
class LatencyHistogram {
 public:
  static constexpr int kBuckets = 64;

  void Record(absl::Duration duration);

  struct Snapshot {
    std::array<int64_t, kBuckets + 1> counts{};  // the last: beyond all bounds
    absl::Duration sum;

    int64_t Count() const;
    // Interpolated within its bucket; `quantile` in (0, 1]. Zero when nothing was counted.
    absl::Duration Quantile(double quantile) const;
  };
  Snapshot Read() const;
  static absl::Duration UpperBound(int bucket);

 private:
  std::array<std::atomic<int64_t>, kBuckets + 1> counts_{};
  std::atomic<int64_t> sum_ns_{0};
};

}  // namespace latchwire
