#include "server/store/driver/delivery_rules.h"

#include "core/base/error.h"
#include "gtest/gtest.h"
#include "server/store/mutations/leases.h"

namespace latchwire {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'767'225'600);

DeliveryOutcome OutcomeOf(int attempt, DeliveryState state) {
  DeliveryOutcome outcome;
  outcome.state = state;
  outcome.due_time = kNow + absl::Seconds(5);
  outcome.failure_count = attempt;
  outcome.attempt.number = attempt;
  outcome.attempt.http_status = 500 + attempt;
  outcome.attempt.error = "e" + std::to_string(attempt);
  return outcome;
}

TEST(DeliveryRulesTest, AFenceMustBeTheLeasesOwn) {
  DeliveryOutcome outcome;
  outcome.key.webhook = {1, 1};
  EXPECT_EQ(ReasonOf(CheckFence(outcome, 0)), "FENCED") << "no lease, no outcome";
  outcome.fence = 3;
  EXPECT_TRUE(CheckFence(outcome, 3).ok());
  const absl::Status fenced = CheckFence(outcome, 4);
  EXPECT_EQ(ReasonOf(fenced), "FENCED");
  EXPECT_EQ(MetadataOf(fenced).at("partition"), std::to_string(PartitionOf({1, 1})));
}

TEST(DeliveryRulesTest, APendingDeliveryFollowsItsOutcome) {
  Delivery delivery;
  EXPECT_TRUE(ApplyOutcome(OutcomeOf(1, DeliveryState::kPending), &delivery));
  EXPECT_EQ(delivery.attempt_count, 1);
  EXPECT_EQ(delivery.failure_count, 1);
  EXPECT_EQ(delivery.due_time, kNow + absl::Seconds(5));
  EXPECT_EQ(delivery.last_http_status, 501);
  EXPECT_EQ(delivery.last_error, "e1");
  EXPECT_TRUE(ApplyOutcome(OutcomeOf(2, DeliveryState::kDead), &delivery));
  EXPECT_EQ(delivery.state, DeliveryState::kDead);
  EXPECT_EQ(delivery.due_time, absl::Time());
}

TEST(DeliveryRulesTest, AnEndWithoutAnAttemptLeavesTheLastOne) {
  Delivery delivery;
  ApplyOutcome(OutcomeOf(1, DeliveryState::kPending), &delivery);
  EXPECT_TRUE(ApplyOutcome(OutcomeOf(0, DeliveryState::kExpired), &delivery));
  EXPECT_EQ(delivery.attempt_count, 1);
  EXPECT_EQ(delivery.last_error, "e1");
}

TEST(DeliveryRulesTest, AnOlderAttemptIsNotTheLast) {
  Delivery delivery;
  ApplyOutcome(OutcomeOf(3, DeliveryState::kPending), &delivery);
  ApplyOutcome(OutcomeOf(2, DeliveryState::kPending), &delivery);
  EXPECT_EQ(delivery.attempt_count, 3);
  EXPECT_EQ(delivery.last_http_status, 503);
}

TEST(DeliveryRulesTest, WhatEndedIsChangedByASuccessOnlyAndSuccessIsFinal) {
  for (const DeliveryState ended :
       {DeliveryState::kDead, DeliveryState::kExpired, DeliveryState::kDropped}) {
    Delivery delivery;
    delivery.state = ended;
    EXPECT_FALSE(ApplyOutcome(OutcomeOf(1, DeliveryState::kPending), &delivery));
    EXPECT_FALSE(ApplyOutcome(OutcomeOf(2, DeliveryState::kDead), &delivery));
    EXPECT_EQ(delivery.state, ended);
    EXPECT_EQ(delivery.failure_count, 0);
    EXPECT_EQ(delivery.attempt_count, 2) << "the attempts were made all the same";
    EXPECT_TRUE(ApplyOutcome(OutcomeOf(3, DeliveryState::kSucceeded), &delivery));
    EXPECT_EQ(delivery.state, DeliveryState::kSucceeded);
    for (const DeliveryState late : {DeliveryState::kDead, DeliveryState::kSucceeded}) {
      EXPECT_FALSE(ApplyOutcome(OutcomeOf(4, late), &delivery));
      EXPECT_EQ(delivery.state, DeliveryState::kSucceeded);
    }
  }
}

TEST(DeliveryRulesTest, ARetryStartsAnew) {
  Delivery delivery;
  delivery.state = DeliveryState::kDead;
  delivery.failure_count = 7;
  delivery.attempt_count = 7;
  delivery.expire_time = kNow + absl::Hours(1);
  ASSERT_TRUE(CheckRetry(delivery).ok());
  MakePendingAgain(kNow + absl::Nanoseconds(1), &delivery);
  EXPECT_EQ(delivery.state, DeliveryState::kPending);
  EXPECT_EQ(delivery.failure_count, 0);
  EXPECT_EQ(delivery.attempt_count, 7);
  EXPECT_EQ(delivery.due_time, kNow);
  EXPECT_EQ(delivery.retry_time, kNow);
  EXPECT_EQ(delivery.expire_time, kNow + absl::Hours(1));

  delivery.state = DeliveryState::kExpired;
  MakePendingAgain(kNow, &delivery);
  EXPECT_EQ(delivery.expire_time, absl::InfiniteFuture());
  delivery.state = DeliveryState::kDead;
  delivery.expire_time = kNow;
  MakePendingAgain(kNow, &delivery);
  EXPECT_EQ(delivery.expire_time, absl::InfiniteFuture()) << "it would expire at once";

  delivery.state = DeliveryState::kSucceeded;
  EXPECT_EQ(ReasonOf(CheckRetry(delivery)), "DELIVERY_STATE");
}

TEST(DeliveryRulesTest, CountersFollow) {
  WebhookStats stats;
  CountNew(DeliveryState::kPending, &stats);
  CountNew(DeliveryState::kDropped, &stats);
  CountMove(DeliveryState::kPending, DeliveryState::kPending, &stats);
  EXPECT_EQ(stats.pending, 1);
  EXPECT_EQ(stats.dropped, 1);
  CountMove(DeliveryState::kPending, DeliveryState::kDead, &stats);
  CountMove(DeliveryState::kDead, DeliveryState::kPending, &stats);
  EXPECT_EQ(stats.pending, 1);
  EXPECT_EQ(stats.dead, 1) << "totals only grow";
  Attempt attempt;
  attempt.start_time = kNow;
  attempt.duration = absl::Seconds(1);
  attempt.http_status = 503;
  CountAttempt(attempt, false, &stats);
  CountAttempt(attempt, false, &stats);
  EXPECT_EQ(stats.consecutive_failures, 2);
  EXPECT_EQ(stats.failing_since, kNow + absl::Seconds(1));
  EXPECT_EQ(stats.last_failure, "503");
  CountAttempt(attempt, true, &stats);
  EXPECT_EQ(stats.consecutive_failures, 0);
  EXPECT_EQ(stats.failing_since, absl::InfinitePast());
}

}  // namespace
}  // namespace latchwire
