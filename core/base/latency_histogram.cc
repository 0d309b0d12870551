#include "core/base/latency_histogram.h"

#include <algorithm>
#include <numeric>

namespace latchwire {
namespace {

constexpr int64_t kFirstBoundNs = 50'000;

using Bounds = std::array<int64_t, LatencyHistogram::kBuckets>;

constexpr Bounds MakeBounds() {
  Bounds bounds{};
  int64_t bound = kFirstBoundNs;
  for (int64_t& upper : bounds) {
    upper = bound;
    bound += bound / 4;
  }
  return bounds;
}

constexpr Bounds kBounds = MakeBounds();

}  // namespace

void LatencyHistogram::Record(absl::Duration duration) {
  const int64_t ns = absl::ToInt64Nanoseconds(duration);
  const auto bucket =
      static_cast<size_t>(std::lower_bound(kBounds.begin(), kBounds.end(), ns) - kBounds.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(ns, std::memory_order_relaxed);
}

LatencyHistogram::Snapshot LatencyHistogram::Read() const {
  Snapshot snapshot;
  for (size_t i = 0; i < counts_.size(); ++i) {
    snapshot.counts[i] = counts_[i].load(std::memory_order_relaxed);
  }
  snapshot.sum = absl::Nanoseconds(sum_ns_.load(std::memory_order_relaxed));
  return snapshot;
}

int64_t LatencyHistogram::Snapshot::Count() const {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

absl::Duration LatencyHistogram::Snapshot::Quantile(double quantile) const {
  const double rank = quantile * static_cast<double>(Count());
  int64_t below = 0;
  absl::Duration lower;
  for (int i = 0; i < kBuckets; ++i) {
    const int64_t count = counts[static_cast<size_t>(i)];
    if (count > 0 && static_cast<double>(below + count) >= rank) {
      const double share = (rank - static_cast<double>(below)) / static_cast<double>(count);
      return lower + (UpperBound(i) - lower) * share;
    }
    below += count;
    lower = UpperBound(i);
  }
  return below == Count() ? absl::ZeroDuration() : lower;
}

absl::Duration LatencyHistogram::UpperBound(int bucket) {
  return absl::Nanoseconds(kBounds[static_cast<size_t>(bucket)]);
}

}  // namespace latchwire
