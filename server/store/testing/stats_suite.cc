// Counters of webhooks: exact, and moved with the deliveries.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

WebhookStats Only(absl::Span<const WebhookStats> stats) {
  EXPECT_EQ(stats.size(), 1);
  return stats.empty() ? WebhookStats() : stats[0];
}

std::vector<int64_t> Counts(const WebhookStats& stats) {
  return {stats.pending, stats.succeeded, stats.dead, stats.expired, stats.dropped};
}

TEST_P(StoreConformanceTest, StatsFollowEveryDelivery) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey other = MakeWebhook(WebhookOrdering::kBySubject);
  MakeWebhook();  // never gets anything
  const auto append = Apply(Publishing({{}, {}, {}, {}}, {webhook, other}));
  ASSERT_EQ(append.stats.size(), 2);
  for (const WebhookStats& stats : append.stats) {
    EXPECT_THAT(Counts(stats), ElementsAre(4, 0, 0, 0, 0));
  }
  RecordOutcomes record;
  record.outcomes = {OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded),
                     OutcomeOf({webhook, 2}, 1, DeliveryState::kDead),
                     OutcomeOf({webhook, 3}, 1, DeliveryState::kPending, absl::Seconds(5)),
                     OutcomeOf({webhook, 4}, 0, DeliveryState::kExpired),
                     OutcomeOf({webhook, 99}, 1, DeliveryState::kDead)};
  auto recorded = Apply(record);
  EXPECT_THAT(Counts(Only(recorded.stats)), ElementsAre(1, 1, 1, 1, 0));
  EXPECT_EQ(Only(recorded.stats).key, webhook);

  // The totals only grow: what is retried and dead again counts twice.
  RetryDelivery retry;
  retry.key = {webhook, 2};
  retry.now = now_;
  EXPECT_THAT(Counts(Only(Apply(retry).stats)), ElementsAre(2, 1, 1, 1, 0));
  record.outcomes = {OutcomeOf({webhook, 2}, 2, DeliveryState::kDead)};
  recorded = Apply(record);
  EXPECT_THAT(Counts(Only(recorded.stats)), ElementsAre(1, 1, 2, 1, 0));
  // A late success counts where it changes something, and nothing else does.
  record.outcomes = {OutcomeOf({webhook, 2}, 3, DeliveryState::kSucceeded),
                     OutcomeOf({webhook, 2}, 3, DeliveryState::kSucceeded),
                     OutcomeOf({webhook, 1}, 2, DeliveryState::kPending),
                     OutcomeOf({webhook, 4}, 2, DeliveryState::kDead)};
  recorded = Apply(record);
  EXPECT_THAT(Counts(Only(recorded.stats)), ElementsAre(1, 2, 2, 1, 0));

  for (int round = 0; round < 2; ++round) {
    const auto loaded = store().LoadStats({}, 10);
    ASSERT_EQ(loaded.status(), absl::OkStatus());
    ASSERT_GE(loaded->size(), 2);
    EXPECT_EQ(loaded->at(0), Only(recorded.stats));
    EXPECT_THAT(Counts(loaded->at(1)), ElementsAre(4, 0, 0, 0, 0));
    EXPECT_EQ(store().LoadStats({}, 1)->size(), 1);
    EXPECT_EQ(store().LoadStats(webhook, 1)->at(0).key, other);
    Reopen();
  }
  Apply(DeleteWebhook{webhook});
  EXPECT_EQ(store().LoadStats({}, 10)->at(0).key, other);
  record.outcomes = {OutcomeOf({webhook, 3}, 2, DeliveryState::kSucceeded)};
  EXPECT_THAT(Apply(record).stats, IsEmpty());
}

TEST_P(StoreConformanceTest, FailuresInARow) {
  const WebhookKey webhook = MakeWebhook();
  Publish({{}, {}}, {webhook});
  const auto attempt = [&](int64_t number, int attempt_number, int http_status,
                           const std::string& error) {
    RecordOutcomes record;
    const bool succeeded = http_status / 100 == 2;
    record.outcomes = {OutcomeOf({webhook, number}, attempt_number,
                                 succeeded ? DeliveryState::kSucceeded : DeliveryState::kPending)};
    Attempt& made = record.outcomes[0].attempt;
    made.http_status = http_status;
    made.error = error;
    made.start_time = now_;
    made.duration = absl::Seconds(1);
    return Only(Apply(record).stats);
  };
  const absl::Time first_end = now_ + absl::Seconds(1);
  WebhookStats stats = attempt(1, 1, 503, "");
  EXPECT_EQ(stats.consecutive_failures, 1);
  EXPECT_EQ(stats.failing_since, first_end);
  EXPECT_EQ(stats.last_failure_time, first_end);
  EXPECT_EQ(stats.last_failure, "503");
  EXPECT_EQ(stats.last_success_time, absl::InfinitePast());
  now_ += absl::Hours(1);
  stats = attempt(1, 2, 0, "TIMEOUT");
  EXPECT_EQ(stats.consecutive_failures, 2);
  EXPECT_EQ(stats.failing_since, first_end);
  EXPECT_EQ(stats.last_failure_time, now_ + absl::Seconds(1));
  EXPECT_EQ(stats.last_failure, "TIMEOUT");
  EXPECT_EQ(*store().LoadStats({}, 1), std::vector<WebhookStats>{stats});
  // An end without an attempt is no failure.
  RecordOutcomes record;
  record.outcomes = {OutcomeOf({webhook, 2}, 0, DeliveryState::kExpired)};
  EXPECT_EQ(Only(Apply(record).stats).consecutive_failures, 2);

  Webhook paused = store().LoadWebhooks({}, 1)->at(0);
  paused.state = WebhookState::kSuspended;
  EXPECT_THAT(Apply(UpdateWebhook{paused}).stats, IsEmpty());
  paused = store().LoadWebhooks({}, 1)->at(0);
  paused.state = WebhookState::kActive;
  stats = Only(Apply(UpdateWebhook{paused}).stats);
  EXPECT_EQ(stats.consecutive_failures, 0);
  EXPECT_EQ(stats.failing_since, absl::InfinitePast());
  EXPECT_EQ(stats.pending, 1);
  EXPECT_EQ(stats.last_failure, "TIMEOUT");

  now_ += absl::Hours(1);
  EXPECT_EQ(attempt(1, 3, 500, "").failing_since, now_ + absl::Seconds(1));
  // A change that leaves it active leaves the count.
  EXPECT_THAT(Apply(UpdateWebhook{store().LoadWebhooks({}, 1)->at(0)}).stats, IsEmpty());
  EXPECT_EQ(store().LoadStats({}, 1)->at(0).consecutive_failures, 1);
  stats = attempt(1, 4, 200, "");
  EXPECT_EQ(stats.consecutive_failures, 0);
  EXPECT_EQ(stats.failing_since, absl::InfinitePast());
  EXPECT_EQ(stats.last_success_time, now_ + absl::Seconds(1));
  EXPECT_EQ(stats.last_failure, "500");
}

TEST_P(StoreConformanceTest, StatsAreThoseAfterEachMutation) {
  const WebhookKey webhook = MakeWebhook();
  FenceOf(webhook);
  AppendPublished refused = Publishing({{}}, {webhook});
  refused.generation += 1;
  const auto results =
      WriteAll({Publishing({{}, {}}, {webhook}), refused,
                RecordOutcomes{{OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded)}},
                Publishing({{}}, {webhook})});
  EXPECT_THAT(Counts(Only(StatsOf(results[0]))), ElementsAre(2, 0, 0, 0, 0));
  EXPECT_THAT(StatsOf(results[1]), IsEmpty());
  EXPECT_THAT(Counts(Only(StatsOf(results[2]))), ElementsAre(1, 1, 0, 0, 0));
  EXPECT_THAT(Counts(Only(StatsOf(results[3]))), ElementsAre(2, 1, 0, 0, 0));
}

TEST_P(StoreConformanceTest, WhatEndedStaysEndedUnlessItSucceeds) {
  const WebhookKey webhook = MakeWebhook();
  Publish({{}, {}}, {webhook});
  for (const int64_t number : {1, 2}) {
    Record(OutcomeOf({webhook, number}, 0,
                     number == 1 ? DeliveryState::kExpired : DeliveryState::kDead));
    const Delivery before = DeliveryAt({webhook, number});
    Record(OutcomeOf({webhook, number}, 1, DeliveryState::kPending, absl::Seconds(1)));
    EXPECT_EQ(DeliveryAt({webhook, number}).state, before.state);
    EXPECT_EQ(DeliveryAt({webhook, number}).attempt_count, 1);
    EXPECT_EQ(store().ListAttempts({webhook, number}, 0, 10)->size(), 1);
    EXPECT_EQ(DueNumbers(webhook).size(), 2 - number);
    Record(OutcomeOf({webhook, number}, 2, DeliveryState::kDead));
    EXPECT_EQ(DeliveryAt({webhook, number}).state, before.state);
  }
  Record(OutcomeOf({webhook, 1}, 3, DeliveryState::kSucceeded));
  EXPECT_EQ(DeliveryAt({webhook, 1}).state, DeliveryState::kSucceeded);
}

}  // namespace
}  // namespace latchwire
