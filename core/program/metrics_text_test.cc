#include "core/program/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;

TEST(MetricsText, SamplesOfOneNameStandTogetherUnderOneHead) {
  MetricsText text;
  text.Counter("a_total", "What a counts.", {{"state", "x"}}, 1);
  text.Gauge("b", "What b is.", {}, 2.5);
  text.Counter("a_total", "ignored", {{"state", "y"}, {"why", "z"}}, 9007199254740991.0);
  EXPECT_EQ(text.ToString(),
            "# HELP a_total What a counts.\n"
            "# TYPE a_total counter\n"
            "a_total{state=\"x\"} 1\n"
            "a_total{state=\"y\",why=\"z\"} 9007199254740991\n"
            "# HELP b What b is.\n"
            "# TYPE b gauge\n"
            "b 2.5\n");
}

TEST(MetricsText, EscapesWhatTheFormatNeedsEscaped) {
  MetricsText text;
  text.Gauge("a", "one\\two\n\"three\"", {{"x", "one\\two\n\"three\""}}, 0);
  EXPECT_EQ(text.ToString(),
            "# HELP a one\\\\two\\n\"three\"\n"
            "# TYPE a gauge\n"
            "a{x=\"one\\\\two\\n\\\"three\\\"\"} 0\n");
}

TEST(MetricsText, NumbersThatAreNone) {
  MetricsText text;
  text.Gauge("a", "A.", {}, std::numeric_limits<double>::infinity());
  text.Gauge("a", "A.", {}, -std::numeric_limits<double>::infinity());
  text.Gauge("a", "A.", {}, std::numeric_limits<double>::quiet_NaN());
  text.Gauge("a", "A.", {}, -0.25);
  text.Gauge("a", "A.", {}, 1e300);
  EXPECT_THAT(text.ToString(), HasSubstr("\na +Inf\na -Inf\na NaN\na -0.25\na 1e+300\n"));
}

TEST(MetricsText, HistogramsAreCumulativeAndExact) {
  LatencyHistogram histogram;
  histogram.Record(absl::Microseconds(1));
  histogram.Record(LatencyHistogram::UpperBound(3));
  histogram.Record(LatencyHistogram::UpperBound(3) + absl::Nanoseconds(1));
  histogram.Record(absl::Hours(1));
  MetricsText text;
  text.Histogram("h_seconds", "H.", {{"x", "y"}}, histogram.Read());
  const std::string all = text.ToString();
  EXPECT_THAT(all, HasSubstr("# TYPE h_seconds histogram\nh_seconds_bucket{x=\"y\",le=\"9.765"));
  std::vector<std::pair<double, int64_t>> buckets;
  for (absl::string_view line : absl::StrSplit(all, '\n')) {
    const size_t le = line.find("le=\"");
    if (le == absl::string_view::npos) continue;
    double bound = 0;
    int64_t count = 0;
    const absl::string_view rest = line.substr(le + 4);
    ASSERT_TRUE(absl::SimpleAtod(rest.substr(0, rest.find('"')), &bound)) << line;
    ASSERT_TRUE(absl::SimpleAtoi(line.substr(line.rfind(' ') + 1), &count)) << line;
    buckets.emplace_back(bound, count);
  }
  ASSERT_EQ(buckets.size(), 17u);
  EXPECT_EQ(buckets[0].second, 2);
  EXPECT_EQ(buckets[1].second, 3);
  EXPECT_EQ(buckets[15].second, 3);
  EXPECT_EQ(buckets[16], std::make_pair(std::numeric_limits<double>::infinity(), int64_t{4}));
  for (size_t i = 1; i < buckets.size(); ++i) EXPECT_GT(buckets[i].first, buckets[i - 1].first);
  EXPECT_THAT(all, HasSubstr("\nh_seconds_count{x=\"y\"} 4\n"));
  EXPECT_THAT(all, HasSubstr("\nh_seconds_sum{x=\"y\"} 3600.0001963"));
}

}  // namespace
}  // namespace latchwire
