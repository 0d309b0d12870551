// What becomes of deliveries: outcomes, attempts, retries by hand, fences and leases.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = RecordOutcomes::Recorded;

TEST_P(StoreConformanceTest, AFirstSuccess) {
  const WebhookKey webhook = MakeWebhook();
  const DeliveryKey key{webhook, PublishOne({}, {webhook})};
  const DeliveryOutcome outcome = OutcomeOf(key, 1, DeliveryState::kSucceeded);
  EXPECT_EQ(Record(outcome), Outcome::kRecorded);
  EXPECT_THAT(DueNumbers(webhook), IsEmpty());
  Reopen();
  const Delivery delivery = DeliveryAt(key);
  EXPECT_EQ(delivery.state, DeliveryState::kSucceeded);
  EXPECT_EQ(delivery.attempt_count, 1);
  EXPECT_EQ(delivery.failure_count, 0);
  EXPECT_EQ(delivery.last_http_status, 204);
  EXPECT_EQ(delivery.last_error, "");
  const auto attempts = store().ListAttempts(key, 0, 10);
  ASSERT_EQ(attempts.status(), absl::OkStatus());
  ASSERT_EQ(attempts->size(), 1);
  EXPECT_EQ(Describe((*attempts)[0]), Describe(outcome.attempt));
}

TEST_P(StoreConformanceTest, EveryAttemptIsListed) {
  const WebhookKey webhook = MakeWebhook();
  const DeliveryKey key{webhook, PublishOne({}, {webhook})};
  EXPECT_THAT(*store().ListAttempts(key, 0, 10), IsEmpty());
  std::vector<std::string> expected;
  for (int attempt = 1; attempt <= 4; ++attempt) {
    DeliveryOutcome outcome =
        OutcomeOf(key, attempt, DeliveryState::kPending, absl::Seconds(attempt));
    if (attempt == 3) {
      outcome.attempt.http_status = 0;
      outcome.attempt.error = "TIMEOUT";
    }
    EXPECT_EQ(Record(outcome), Outcome::kRecorded);
    expected.push_back(Describe(outcome.attempt));
    const Delivery delivery = DeliveryAt(key);
    EXPECT_EQ(delivery.attempt_count, attempt);
    EXPECT_EQ(delivery.failure_count, attempt);
    EXPECT_EQ(delivery.due_time, now_ + absl::Seconds(attempt));
    EXPECT_EQ(delivery.last_http_status, outcome.attempt.http_status);
    EXPECT_EQ(delivery.last_error, outcome.attempt.error);
  }
  const DeliveryOutcome dead = OutcomeOf(key, 5, DeliveryState::kDead);
  EXPECT_EQ(Record(dead), Outcome::kRecorded);
  expected.push_back(Describe(dead.attempt));
  EXPECT_EQ(DeliveryAt(key).state, DeliveryState::kDead);

  for (const int page_size : {1, 2, 4, 5, 6}) {
    std::vector<std::string> listed;
    int after = 0;
    while (true) {
      const auto attempts = store().ListAttempts(key, after, page_size);
      ASSERT_EQ(attempts.status(), absl::OkStatus());
      ASSERT_LE(attempts->size(), page_size);
      if (attempts->empty()) break;
      for (const Attempt& attempt : *attempts) listed.push_back(Describe(attempt));
      after = attempts->back().number;
    }
    EXPECT_EQ(listed, expected) << page_size;
  }
  EXPECT_THAT(store().ListAttempts({webhook, 99}, 0, 10).status(), HasReason("DELIVERY_NOT_FOUND"));
}

TEST_P(StoreConformanceTest, AnEndWithoutAttempt) {
  const WebhookKey webhook = MakeWebhook();
  const DeliveryKey untried{webhook, PublishOne({}, {webhook})};
  const DeliveryKey tried{webhook, PublishOne({}, {webhook})};
  Record(OutcomeOf(tried, 1, DeliveryState::kPending));
  for (const DeliveryKey& key : {untried, tried}) {
    DeliveryOutcome expired = OutcomeOf(key, 0, DeliveryState::kExpired);
    expired.failure_count = DeliveryAt(key).failure_count;
    EXPECT_EQ(Record(expired), Outcome::kRecorded);
    EXPECT_EQ(DeliveryAt(key).state, DeliveryState::kExpired);
  }
  EXPECT_THAT(*store().ListAttempts(untried, 0, 10), IsEmpty());
  EXPECT_EQ(DeliveryAt(untried).attempt_count, 0);
  EXPECT_EQ(store().ListAttempts(tried, 0, 10)->size(), 1);
  EXPECT_EQ(DeliveryAt(tried).last_http_status, 501);
}

TEST_P(StoreConformanceTest, SuccessIsFinal) {
  const WebhookKey webhook = MakeWebhook();
  const DeliveryKey key{webhook, PublishOne({}, {webhook})};
  Record(OutcomeOf(key, 1, DeliveryState::kSucceeded));
  EXPECT_EQ(Record(OutcomeOf(key, 2, DeliveryState::kPending)), Outcome::kRecorded);
  EXPECT_EQ(DeliveryAt(key).state, DeliveryState::kSucceeded);
  EXPECT_EQ(store().ListAttempts(key, 0, 10)->size(), 2);
  EXPECT_THAT(DueNumbers(webhook), IsEmpty());
}

TEST_P(StoreConformanceTest, OutcomesOfWhatIsGone) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey deleted = MakeWebhook();
  const int64_t number = PublishOne({}, {webhook, deleted});
  Apply(DeleteWebhook{deleted});
  RecordOutcomes record;
  record.outcomes = {OutcomeOf({deleted, number}, 1, DeliveryState::kSucceeded),
                     OutcomeOf({webhook, number + 1}, 1, DeliveryState::kSucceeded),
                     OutcomeOf({webhook, number}, 1, DeliveryState::kSucceeded),
                     OutcomeOf({webhook, number + 1}, 0, DeliveryState::kExpired)};
  const auto recorded = Apply(record);
  EXPECT_EQ(recorded.status, absl::OkStatus());
  EXPECT_THAT(recorded.outcomes,
              ElementsAre(Outcome::kGone, Outcome::kGone, Outcome::kRecorded, Outcome::kGone));
}

TEST_P(StoreConformanceTest, RetryByHand) {
  const WebhookKey webhook = MakeWebhook();
  const auto retry = [&](DeliveryKey key) {
    RetryDelivery mutation;
    mutation.key = key;
    mutation.now = now_;
    return Apply(mutation);
  };
  AppendPublished append = Publishing({{}, {}, {}, {}}, {webhook});
  append.events[1].targets[0].expire_time = now_ + absl::Seconds(1);
  append.events[2].event->priority = 8;
  Apply(append);
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kDead));
  Record(OutcomeOf({webhook, 2}, 0, DeliveryState::kExpired));
  Record(OutcomeOf({webhook, 3}, 1, DeliveryState::kPending, absl::Hours(1)));
  Record(OutcomeOf({webhook, 4}, 1, DeliveryState::kSucceeded));

  now_ += absl::Minutes(5);
  EXPECT_THAT(DueNumbers(webhook), IsEmpty());
  for (const int64_t number : {1, 2, 3}) {
    const DeliveryKey key{webhook, number};
    const auto retried = retry(key);
    EXPECT_EQ(retried.status, absl::OkStatus());
    EXPECT_EQ(Describe(retried.delivery), Describe(DeliveryAt(key)));
    EXPECT_EQ(retried.delivery.state, DeliveryState::kPending);
    EXPECT_EQ(retried.delivery.due_time, now_);
    EXPECT_EQ(retried.delivery.failure_count, 0);
    EXPECT_EQ(retried.delivery.expire_time, absl::InfiniteFuture());
    EXPECT_EQ(retried.delivery.attempt_count, number == 2 ? 0 : 1);
    EXPECT_EQ(retried.delivery.priority, number == 3 ? 8 : 4);
  }
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(3, 1, 2));
  EXPECT_THAT(retry({webhook, 4}).status, HasReason("DELIVERY_STATE"));
  EXPECT_THAT(retry({webhook, 5}).status, HasReason("DELIVERY_NOT_FOUND"));
  EXPECT_THAT(retry({{2, webhook.uid}, 1}).status, HasReason("DELIVERY_NOT_FOUND"));
  // The attempts go on where they were.
  Record(OutcomeOf({webhook, 1}, 2, DeliveryState::kSucceeded));
  EXPECT_EQ(store().ListAttempts({webhook, 1}, 0, 10)->size(), 2);
  Apply(DeleteWebhook{webhook});
  EXPECT_THAT(retry({webhook, 2}).status, HasReason("DELIVERY_NOT_FOUND"));
}

TEST_P(StoreConformanceTest, LeasesAreExclusiveUntilTheyExpire) {
  const auto other = OpenAnother();
  const absl::Duration ten_seconds = absl::Seconds(10);
  const auto first = Apply(AcquireLeases{"a", now_, ten_seconds});
  EXPECT_EQ(first.status, absl::OkStatus());
  EXPECT_THAT(first.fences, testing::Each(testing::Gt(0)));
  const auto refused = ApplyTo(*other, AcquireLeases{"b", now_ + absl::Seconds(9), ten_seconds});
  EXPECT_EQ(refused.status, absl::OkStatus());
  EXPECT_THAT(refused.fences, testing::Each(0));
  // Prolonged: the same fences, also after the end if nobody else came.
  const auto prolonged = Apply(AcquireLeases{"a", now_ + absl::Seconds(30), ten_seconds});
  EXPECT_EQ(prolonged.fences, first.fences);
  const auto taken = ApplyTo(*other, AcquireLeases{"b", now_ + absl::Seconds(40), ten_seconds});
  for (int i = 0; i < kPartitionCount; ++i) EXPECT_GT(taken.fences[i], first.fences[i]);
  EXPECT_THAT(Apply(AcquireLeases{"a", now_ + absl::Seconds(41), ten_seconds}).fences,
              testing::Each(0));
  // Given up: the next need not wait.
  ApplyTo(*other, ReleaseLeases{"b"});
  const auto back = Apply(AcquireLeases{"a", now_ + absl::Seconds(42), ten_seconds});
  for (int i = 0; i < kPartitionCount; ++i) EXPECT_GT(back.fences[i], taken.fences[i]);
  // Giving up what one does not own changes nothing.
  ApplyTo(*other, ReleaseLeases{"b"});
  EXPECT_EQ(Apply(AcquireLeases{"a", now_ + absl::Seconds(43), ten_seconds}).fences, back.fences);
  Reopen();
  EXPECT_EQ(Apply(AcquireLeases{"a", now_ + absl::Seconds(44), ten_seconds}).fences, back.fences);
}

TEST_P(StoreConformanceTest, OneHandleIsFencedByTheOther) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey neighbour = MakeWebhook();
  const int64_t number = PublishOne({}, {webhook, neighbour});
  RecordOutcomes late;
  late.outcomes = {OutcomeOf({webhook, number}, 1, DeliveryState::kSucceeded),
                   OutcomeOf({neighbour, number}, 1, DeliveryState::kSucceeded)};

  // Its lease is over, but nobody has taken the partition: still recorded.
  const auto other = OpenAnother();
  RecordOutcomes one_late = late;
  one_late.outcomes.pop_back();
  one_late.outcomes[0].state = DeliveryState::kPending;
  now_ += absl::Hours(2000);
  EXPECT_EQ(Apply(one_late).status, absl::OkStatus());

  const auto taken = ApplyTo(*other, AcquireLeases{"other", now_, absl::Seconds(10)});
  ASSERT_GT(taken.fences[PartitionOf(webhook)], late.outcomes[0].fence);
  // Of a mutation whose second fence is wrong, the first outcome is not recorded either.
  late.outcomes[0].fence = taken.fences[PartitionOf(webhook)];
  const absl::Status fenced = Apply(late).status;
  EXPECT_THAT(fenced, HasReason("FENCED"));
  EXPECT_EQ(fenced.code(), absl::StatusCode::kAborted);
  for (const DeliveryOutcome& outcome : late.outcomes) {
    EXPECT_EQ(DeliveryAt(outcome.key).state, DeliveryState::kPending);
  }
  late.outcomes[1].fence = taken.fences[PartitionOf(neighbour)];
  EXPECT_EQ(ApplyTo(*other, late).status, absl::OkStatus());
  EXPECT_EQ(DeliveryAt({neighbour, number}).state, DeliveryState::kSucceeded);
}

TEST_P(StoreConformanceTest, NoLeaseNoOutcome) {
  const WebhookKey webhook = MakeWebhook();
  const int64_t number = PublishOne({}, {webhook});
  DeliveryOutcome outcome;
  outcome.key = {webhook, number};
  outcome.state = DeliveryState::kDead;
  EXPECT_THAT(Apply(RecordOutcomes{{outcome}}).status, HasReason("FENCED"));
  outcome.fence = 1;
  EXPECT_THAT(Apply(RecordOutcomes{{outcome}}).status, HasReason("FENCED"));
}

TEST_P(StoreConformanceTest, ALeaseTakenInTheSameWriteCounts) {
  const WebhookKey webhook = MakeWebhook();
  const int64_t number = PublishOne({}, {webhook});
  const DeliveryOutcome outcome = OutcomeOf({webhook, number}, 1, DeliveryState::kDead);
  const auto mutations =
      WriteAll({RecordOutcomes{{outcome}}, ReleaseLeases{"test"},
                AcquireLeases{"other", now_, absl::Seconds(10)}, RecordOutcomes{{outcome}}});
  EXPECT_EQ(mutations[0].status(), absl::OkStatus());
  EXPECT_THAT(mutations[3].status(), HasReason("FENCED"));
}

}  // namespace
}  // namespace latchwire
