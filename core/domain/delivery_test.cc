#include "core/domain/delivery.h"

#include "gtest/gtest.h"

namespace latchwire {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr double kNoJitter = 0.5;  // the middle of the spread

Attempt Answered(int http_status) {
  Attempt attempt;
  attempt.http_status = http_status;
  return attempt;
}

Delivery After(int failure_count) {
  Delivery delivery;
  delivery.failure_count = failure_count;
  delivery.create_time = kNow - absl::Minutes(1);
  return delivery;
}

Outcome JudgeFailure(int failure_count, const RetryPolicy& policy,
                     absl::Duration retry_after = absl::ZeroDuration(), double jitter = kNoJitter) {
  return Judge(Answered(500), After(failure_count), policy, retry_after, jitter, kNow);
}

TEST(Judge, OnlyTwoHundredsSucceed) {
  for (const int status : {200, 201, 202, 204, 299}) {
    const Outcome outcome =
        Judge(Answered(status), After(3), RetryPolicy::Default(), absl::Hours(1), kNoJitter, kNow);
    EXPECT_EQ(outcome.state, DeliveryState::kSucceeded) << status;
    EXPECT_FALSE(outcome.suspend_webhook);
  }
  for (const int status :
       {0, 100, 199, 300, 301, 302, 307, 400, 401, 404, 410, 429, 500, 503, 600}) {
    EXPECT_EQ(Judge(Answered(status), After(0), RetryPolicy::Default(), {}, kNoJitter, kNow).state,
              DeliveryState::kPending)
        << status;
  }
}

TEST(Judge, FollowsTheDefaultPolicyForTenAttempts) {
  const RetryPolicy policy = RetryPolicy::Default();
  ASSERT_EQ(policy.delays.size(), 9);
  const absl::Duration delays[] = {absl::Seconds(5), absl::Minutes(5), absl::Minutes(30),
                                   absl::Hours(2),   absl::Hours(5),   absl::Hours(10),
                                   absl::Hours(14),  absl::Hours(20),  absl::Hours(24)};
  for (int failures = 0; failures < 9; ++failures) {
    const Outcome outcome = JudgeFailure(failures, policy);
    EXPECT_EQ(outcome.state, DeliveryState::kPending);
    EXPECT_EQ(outcome.due_time - kNow, delays[failures]);
  }
  EXPECT_EQ(JudgeFailure(9, policy).state, DeliveryState::kDead);
  EXPECT_EQ(JudgeFailure(100, policy).state, DeliveryState::kDead);
}

TEST(Judge, NoDelaysMeansOneAttempt) {
  EXPECT_EQ(JudgeFailure(0, RetryPolicy{}, absl::Hours(1)).state, DeliveryState::kDead);
}

TEST(Judge, JitterVariesByUpToTenPercentEitherWay) {
  const RetryPolicy policy{{absl::Seconds(100)}};
  EXPECT_EQ(JudgeFailure(0, policy, {}, 0.0).due_time, kNow + absl::Seconds(90));
  EXPECT_EQ(JudgeFailure(0, policy, {}, kNoJitter).due_time, kNow + absl::Seconds(100));
  const absl::Duration longest = JudgeFailure(0, policy, {}, 0.999999).due_time - kNow;
  EXPECT_LE(longest, absl::Seconds(110));
  EXPECT_GT(longest, absl::Seconds(109.9));
}

TEST(Judge, RetryAfterOnlyLengthensAndNotPastTheLongestDelay) {
  const RetryPolicy policy{{absl::Seconds(10), absl::Minutes(10)}};
  EXPECT_EQ(JudgeFailure(0, policy, absl::Seconds(3)).due_time, kNow + absl::Seconds(10));
  EXPECT_EQ(JudgeFailure(0, policy, absl::Seconds(30)).due_time, kNow + absl::Seconds(30));
  EXPECT_EQ(JudgeFailure(0, policy, absl::Hours(30)).due_time, kNow + absl::Minutes(10));
  EXPECT_EQ(JudgeFailure(0, policy, absl::InfiniteDuration()).due_time, kNow + absl::Minutes(10));
}

TEST(Judge, GoneSuspendsAndKeepsTheDelivery) {
  const RetryPolicy policy{{absl::Seconds(10)}};
  Outcome outcome = Judge(Answered(410), After(0), policy, {}, kNoJitter, kNow);
  EXPECT_TRUE(outcome.suspend_webhook);
  EXPECT_EQ(outcome.state, DeliveryState::kPending);
  EXPECT_EQ(outcome.due_time, kNow + absl::Seconds(10));
  // Also when no retry is left: it waits for the user.
  outcome = Judge(Answered(410), After(1), policy, {}, kNoJitter, kNow);
  EXPECT_TRUE(outcome.suspend_webhook);
  EXPECT_EQ(outcome.state, DeliveryState::kPending);
  EXPECT_EQ(outcome.due_time, kNow);
}

TEST(Judge, PlansNoAttemptPastTheTotalWindow) {
  RetryPolicy policy{{absl::Minutes(10), absl::Minutes(10)}};
  policy.total_window = absl::Minutes(11);  // the delivery is a minute old
  EXPECT_EQ(JudgeFailure(0, policy).due_time, kNow + absl::Minutes(10));
  policy.total_window -= absl::Nanoseconds(1);
  EXPECT_EQ(JudgeFailure(0, policy).state, DeliveryState::kDead);

  Delivery retried = After(0);  // by hand: the window starts anew
  retried.retry_time = kNow - absl::Seconds(1);
  EXPECT_EQ(Judge(Answered(500), retried, policy, {}, kNoJitter, kNow).state,
            DeliveryState::kPending);

  const Outcome gone = Judge(Answered(410), After(0), policy, {}, kNoJitter, kNow);
  EXPECT_TRUE(gone.suspend_webhook);
  EXPECT_EQ(gone.state, DeliveryState::kPending);
}

TEST(Judge, BestEffortAttemptsOnceWhateverThePolicySays) {
  Webhook webhook;
  EXPECT_EQ(Judge(Answered(500), After(0), webhook, {}, kNoJitter, kNow).state,
            DeliveryState::kPending);
  webhook.guarantee = WebhookGuarantee::kBestEffort;
  EXPECT_EQ(Judge(Answered(204), After(0), webhook, {}, kNoJitter, kNow).state,
            DeliveryState::kSucceeded);
  EXPECT_EQ(Judge(Answered(500), After(0), webhook, {}, kNoJitter, kNow).state,
            DeliveryState::kDead);
  const Outcome gone = Judge(Answered(410), After(0), webhook, {}, kNoJitter, kNow);
  EXPECT_EQ(gone.state, DeliveryState::kDead);
  EXPECT_TRUE(gone.suspend_webhook);
}

TEST(RetryPolicy, ExponentialDelaysGrowUpToTheirCap) {
  const RetryPolicy policy =
      RetryPolicy::FromExponential({absl::Seconds(2), 3, absl::Seconds(30), 6});
  EXPECT_EQ(policy.delays,
            (std::vector<absl::Duration>{absl::Seconds(2), absl::Seconds(6), absl::Seconds(18),
                                         absl::Seconds(30), absl::Seconds(30)}));
  ASSERT_TRUE(policy.exponential.has_value());
  EXPECT_EQ(policy.exponential->max_attempts, 6);
}

TEST(RetryPolicy, ExponentialWithOneAttemptHasNoDelays) {
  EXPECT_TRUE(
      RetryPolicy::FromExponential({absl::Seconds(2), 2, absl::Seconds(9), 1}).delays.empty());
  EXPECT_EQ(RetryPolicy::FromExponential({absl::Minutes(2), 2, absl::Seconds(9), 2}).delays,
            std::vector<absl::Duration>{absl::Seconds(9)});
}

TEST(RetryPolicy, TheDefaultOfOrderedWebhooksTakesMinutes) {
  absl::Duration total;
  for (const absl::Duration delay : RetryPolicy::DefaultOrdered().delays) total += delay;
  EXPECT_GT(total, absl::Minutes(5));
  EXPECT_LT(total, absl::Minutes(10));
}

TEST(OrderKeyOf, BestEffortWithoutOrderingHasOneLane) {
  Webhook webhook;
  webhook.guarantee = WebhookGuarantee::kBestEffort;
  EXPECT_EQ(OrderKeyOf(webhook, "panel", "door-1"), OrderKeyOf(webhook, "panel", "door-2"));
  EXPECT_FALSE(OrderKeyOf(webhook, "", "").empty());
  webhook.ordering = WebhookOrdering::kBySubject;
  EXPECT_NE(OrderKeyOf(webhook, "panel", "door-1"), OrderKeyOf(webhook, "panel", "door-2"));
}

TEST(ParseRetryAfter, Seconds) {
  EXPECT_EQ(ParseRetryAfter("120", kNow), absl::Seconds(120));
  EXPECT_EQ(ParseRetryAfter(" 7 ", kNow), absl::Seconds(7));
  EXPECT_EQ(ParseRetryAfter("0", kNow), absl::ZeroDuration());
  EXPECT_EQ(ParseRetryAfter("99999999999", kNow), absl::Hours(366 * 24));
  EXPECT_EQ(ParseRetryAfter(std::string(40, '9'), kNow), absl::Hours(366 * 24));
}

TEST(ParseRetryAfter, AllThreeFormsOfADate) {
  // kNow is Tue, 14 Nov 2023 22:13:20 GMT.
  EXPECT_EQ(ParseRetryAfter("Tue, 14 Nov 2023 22:14:20 GMT", kNow), absl::Minutes(1));
  EXPECT_EQ(ParseRetryAfter("Tuesday, 14-Nov-23 22:14:20 GMT", kNow), absl::Minutes(1));
  EXPECT_EQ(ParseRetryAfter("Tue Nov 14 22:14:20 2023", kNow), absl::Minutes(1));
  EXPECT_EQ(ParseRetryAfter("Wed Nov  1 22:14:20 2023", kNow), absl::ZeroDuration());  // past
  EXPECT_EQ(ParseRetryAfter("Fri, 14 Nov 2203 22:14:20 GMT", kNow), absl::Hours(366 * 24));
}

TEST(ParseRetryAfter, UnreadableIsZero) {
  for (const char* value : {"", " ", "-5", "+5", "1.5", "5s", "soon", "1e9", "0x10",
                            "Tue, 14 Nov 2023 22:14:20", "2023-11-14T22:14:20Z", "14 Nov 2023"}) {
    EXPECT_EQ(ParseRetryAfter(value, kNow), absl::ZeroDuration()) << value;
  }
}

TEST(OrderKeyOf, IsNeverEmptyAndNeverShared) {
  EXPECT_FALSE(OrderKeyOf("", "").empty());
  EXPECT_EQ(OrderKeyOf("panel-1", "door-1"), OrderKeyOf("panel-1", "door-1"));
  EXPECT_NE(OrderKeyOf("panel-1", "door-1"), OrderKeyOf("panel-1", "door-2"));
  EXPECT_NE(OrderKeyOf("a/b", "c"), OrderKeyOf("a", "b/c"));
  EXPECT_NE(OrderKeyOf("a", ""), OrderKeyOf("", "a"));
  EXPECT_NE(OrderKeyOf("1:a", "b"), OrderKeyOf("", "1:a/b"));
}

TEST(WebhookState, OnlyDisabledMatchesNothingAndOnlyActiveDelivers) {
  EXPECT_TRUE(Matches(WebhookState::kActive));
  EXPECT_TRUE(Matches(WebhookState::kPaused));
  EXPECT_TRUE(Matches(WebhookState::kSuspended));
  EXPECT_FALSE(Matches(WebhookState::kDisabled));
  EXPECT_TRUE(Delivers(WebhookState::kActive));
  EXPECT_FALSE(Delivers(WebhookState::kPaused));
  EXPECT_FALSE(Delivers(WebhookState::kSuspended));
  EXPECT_FALSE(Delivers(WebhookState::kDisabled));
}

}  // namespace
}  // namespace latchwire
