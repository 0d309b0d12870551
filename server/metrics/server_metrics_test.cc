#include "server/metrics/server_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "server/delivery/testing/delivery_world.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string MetricsOf(DeliveryWorld& world, const StatsBoard& stats = {},
                      const ApiCounters& api = {}) {
  return ServerMetrics({&world.engine(), &world.writer(), &world.configuration(), &stats, &api});
}

bool IsLowerSnakeCase(absl::string_view text) {
  if (text.empty() || !absl::ascii_islower(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
  });
}

// Against Prometheus' own conventions: one prefix, base units, and the unit or _total at the end.
std::vector<std::string> OffendingNames(absl::string_view text) {
  const std::set<std::string> other_units = {
      "ns", "us", "ms",  "s",   "minutes", "hours",   "days",  "milliseconds", "microseconds", "kb",
      "mb", "gb", "kib", "mib", "gib",     "percent", "count", "sum",          "bucket"};
  std::vector<std::string> offending;
  std::string previous_help;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (absl::StartsWith(line, "# HELP ")) {
      previous_help = words.at(2);
      if (words.size() < 4 || !absl::EndsWith(line, ".")) offending.push_back(words[2]);
    }
    if (!absl::StartsWith(line, "# TYPE ")) continue;
    const std::string &name = words.at(2), &type = words.at(3);
    const std::vector<std::string> parts = absl::StrSplit(name, '_');
    const bool wrong_unit = std::any_of(parts.begin(), parts.end(), [&](const std::string& part) {
      return other_units.count(part) > 0;
    });
    if (previous_help != name || wrong_unit || !IsLowerSnakeCase(name) || parts[0] != "latchwire" ||
        (parts.back() == "total") != (type == "counter") ||
        (type == "histogram" && parts.back() != "seconds" && parts.back() != "bytes")) {
      offending.push_back(name);
    }
  }
  return offending;
}

TEST(ServerMetrics, WritesAndTheDatabaseAreCounted) {
  WriteCounters writes;
  writes.commits = 7;
  writes.failed_commits = 2;
  writes.failing = true;
  const std::string path = ::testing::TempDir() + "metrics.db";
  std::ofstream(path) << "12345";
  MetricsSources sources;
  sources.writes = &writes;
  sources.database_path = path;
  const std::string text = ServerMetrics(sources);
  EXPECT_THAT(text, HasSubstr("\nlatchwire_store_commits_total 7\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_store_failed_commits_total 2\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_store_writable 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_database_bytes{file=\"main\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_database_bytes{file=\"log\"} 0\n"));
}

TEST(ServerMetrics, NamesFollowTheConventions) {
  DeliveryWorld world;
  EXPECT_THAT(OffendingNames(MetricsOf(world)), IsEmpty());
  MetricsText wrong;
  wrong.Counter("latchwire_a", "Says.", {}, 0);
  wrong.Gauge("latchwire_b_total", "Says.", {}, 0);
  wrong.Gauge("latchwire_c_ms", "Says.", {}, 0);
  wrong.Gauge("d_bytes", "Says.", {}, 0);
  wrong.Gauge("latchwire_E", "Says.", {}, 0);
  wrong.Histogram("latchwire_f", "Says.", {}, {});
  EXPECT_EQ(OffendingNames(wrong.ToString()).size(), 6u);
}

TEST(ServerMetrics, CountsWhatHappens) {
  DeliveryWorld world;
  world.CreateWebhook({});
  world.executor().RunFor(absl::Seconds(1));  // all work is loaded: events are handed on
  EXPECT_THAT(MetricsOf(world), HasSubstr("\nlatchwire_delivery_attempts_total 0\n"));
  world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(absl::Seconds(1));
  const std::string text = MetricsOf(world);
  EXPECT_THAT(text, HasSubstr("\nlatchwire_delivery_attempts_total 1\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_delivery_outcomes_total{outcome=\"succeeded\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_delivery_outcomes_total{outcome=\"dead\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_delivery_commit_to_answer_seconds_count 1\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_delivery_attempts_in_flight 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_writer_queued_bytes 0\n"));
  EXPECT_THAT(text, HasSubstr("latchwire_build_info{version=\"0."));
}

TEST(ServerMetrics, CountsWebhooksAndBreakers) {
  DeliveryWorld world;
  world.CreateWebhook({});
  const auto second = world.CreateWebhook({});
  world.SetWebhookState(second->key, WebhookState::kPaused);
  StatsBoard stats;
  BreakerStatus open;
  open.state = BreakerState::kOpen;
  stats.SetBreaker(second->key, open);
  const std::string text = MetricsOf(world, stats);
  EXPECT_THAT(text, HasSubstr("\nlatchwire_webhooks{state=\"active\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_webhooks{state=\"paused\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_webhooks{state=\"suspended\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_webhook_breakers{state=\"open\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_deliveries_pending 0\n"));
}

TEST(ServerMetrics, CountsRefusals) {
  DeliveryWorld world;
  ApiCounters api;
  api.refused_queue_full = 3;
  api.CountAgentWait();
  const std::string text = MetricsOf(world, {}, api);
  EXPECT_THAT(text, HasSubstr("\nlatchwire_refusals_total{limit=\"queue_full\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_refusals_total{limit=\"webhooks\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_agent_waits_total 1\n"));
}

TEST(ServerMetrics, CountsRetention) {
  JanitorCounters janitor;
  janitor.deleted_events = 5;
  janitor.held_events = 2;
  MetricsSources sources;
  sources.janitor = &janitor;
  const std::string text = ServerMetrics(sources);
  EXPECT_THAT(text, HasSubstr("\nlatchwire_retention_deleted_events_total 5\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_retention_expired_deliveries_total 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlatchwire_retention_held_events 2\n"));
}

TEST(ServerMetrics, LeavesOutWhatIsNotThere) {
  const std::string text = ServerMetrics({});
  EXPECT_THAT(text, HasSubstr("latchwire_build_info"));
  EXPECT_THAT(text, Not(HasSubstr("latchwire_delivery")));
}

}  // namespace
}  // namespace latchwire
