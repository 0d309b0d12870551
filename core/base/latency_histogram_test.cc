#include "core/base/latency_histogram.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

TEST(LatencyHistogramTest, CountsInTheBucketWhoseBoundIsNotBelow) {
  LatencyHistogram histogram;
  histogram.Record(absl::Microseconds(50));
  histogram.Record(absl::Microseconds(51));
  histogram.Record(absl::Hours(1));
  const LatencyHistogram::Snapshot snapshot = histogram.Read();
  EXPECT_EQ(snapshot.counts[0], 1);
  EXPECT_EQ(snapshot.counts[1], 1);
  EXPECT_EQ(snapshot.counts[LatencyHistogram::kBuckets], 1);
  EXPECT_EQ(snapshot.sum, absl::Microseconds(101) + absl::Hours(1));
}

TEST(LatencyHistogramTest, QuantilesAreInterpolated) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.Read().Quantile(0.5), absl::ZeroDuration());
  for (int i = 0; i < 100; ++i) histogram.Record(absl::Microseconds(40));
  EXPECT_EQ(histogram.Read().Quantile(0.5), absl::Microseconds(25));
  EXPECT_EQ(histogram.Read().Quantile(1), absl::Microseconds(50));
  for (int i = 0; i < 100; ++i) histogram.Record(absl::Hours(1));
  EXPECT_EQ(histogram.Read().Quantile(0.99), LatencyHistogram::UpperBound(63));
}

TEST(LatencyHistogramTest, BoundsGrowByAQuarter) {
  EXPECT_EQ(LatencyHistogram::UpperBound(0), absl::Microseconds(50));
  for (int i = 1; i < LatencyHistogram::kBuckets; ++i) {
    EXPECT_GT(LatencyHistogram::UpperBound(i), LatencyHistogram::UpperBound(i - 1));
    EXPECT_LE(LatencyHistogram::UpperBound(i), LatencyHistogram::UpperBound(i - 1) * 1.25);
  }
  EXPECT_GT(LatencyHistogram::UpperBound(LatencyHistogram::kBuckets - 1), absl::Seconds(60));
}

}  // namespace
}  // namespace latchwire
