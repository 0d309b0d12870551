// Writes as such: durable, whole, and seen as whole.
#include <atomic>
#include <thread>

#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;

TEST_P(StoreConformanceTest, WhatIsWrittenSurvivesAReopen) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey ordered = MakeWebhook(WebhookOrdering::kBySubject);
  Publish({{"mine"}, {}, {}}, {webhook, ordered});
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kPending, absl::Seconds(5)));
  Record(OutcomeOf({webhook, 2}, 1, DeliveryState::kSucceeded));
  const std::string event = Describe(*store().GetEvent(kDefaultTenant, 1));
  const std::string first = Describe(DeliveryAt({webhook, 1}));
  const std::string second = Describe(DeliveryAt({webhook, 2}));
  Reopen();
  EXPECT_EQ(Describe(*store().GetEvent(kDefaultTenant, 1)), event);
  EXPECT_EQ(Describe(DeliveryAt({webhook, 1})), first);
  EXPECT_EQ(Describe(DeliveryAt({webhook, 2})), second);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(3));
  EXPECT_EQ(store().LoadHeads(ordered, now_, 10, {})->deliveries.size(), 1);
}

TEST_P(StoreConformanceTest, AnotherHandleSeesEveryWrite) {
  const auto other = OpenAnother();
  const WebhookKey webhook = MakeWebhook();
  PublishOne({}, {webhook});
  EXPECT_TRUE(other->GetEvent(kDefaultTenant, 1).ok());
  EXPECT_EQ(ApplyTo(*other, Publishing({{}}, {webhook})).events.at(0).number, 2);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(1, 2));
  EXPECT_THAT(Publish({{}}), ElementsAre(3));
}

TEST_P(StoreConformanceTest, AFailedMutationDoesNotHinderItsNeighbours) {
  const WebhookKey webhook = MakeWebhook();
  PublishOne({"taken"}, {webhook});
  EventSpec conflicting{"taken"};
  conflicting.data = "2";
  RetryDelivery missing;
  missing.key = {webhook, 99};
  RecordDropped fenced;
  fenced.tenant = kDefaultTenant;
  fenced.stream = {"a1", 1, 1};
  Webhook stale = store().LoadWebhooks({}, 1)->at(0);
  stale.revision = 7;
  const auto mutations = WriteAll({
      Publishing({{}}, {webhook}),
      Publishing({{}, conflicting, {}}, {webhook}),
      missing,
      RecordOutcomes{{OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded)}},
      fenced,
      UpdateWebhook{stale},
      DeleteApiKey{kDefaultTenant, "none"},
      Publishing({{}}, {webhook}),
  });
  EXPECT_EQ(mutations[0].status(), absl::OkStatus());
  EXPECT_THAT(mutations[1].status(), HasReason("EVENT_ID_CONFLICT"));
  EXPECT_THAT(mutations[2].status(), HasReason("DELIVERY_NOT_FOUND"));
  EXPECT_EQ(mutations[3].status(), absl::OkStatus());
  EXPECT_THAT(mutations[4].status(), HasReason("AGENT_STREAM_FENCED"));
  EXPECT_THAT(mutations[5].status(), HasReason("ETAG_MISMATCH"));
  EXPECT_THAT(mutations[6].status(), HasReason("API_KEY_NOT_FOUND"));
  EXPECT_EQ(ResultOf<AppendPublished>(mutations[7]).events[0].number, 3);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(2, 3));
}

TEST_P(StoreConformanceTest, AMutationSeesThoseBeforeIt) {
  CreateWebhook create{SampleWebhook(kDefaultTenant)};
  const auto first = WriteAll({create, CreateWebhook{SampleWebhook(kDefaultTenant)}, create});
  EXPECT_EQ(ResultOf<CreateWebhook>(first[0]).generation, 1);
  EXPECT_EQ(ResultOf<CreateWebhook>(first[1]).generation, 2);
  EXPECT_EQ(ResultOf<CreateWebhook>(first[1]).webhook->key.uid, 2);
  EXPECT_THAT(first[2].status(), HasReason("WEBHOOK_ALREADY_EXISTS"));

  const WebhookKey webhook{kDefaultTenant, 1};
  const int64_t fence = FenceOf(webhook);
  ASSERT_GT(fence, 0);
  const auto second = WriteAll({
      Publishing({{}, {}}, {webhook}),
      RecordOutcomes{{OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded)}},
      RecordOutcomes{{OutcomeOf({webhook, 2}, 1, DeliveryState::kPending)}},
      RecordOutcomes{{OutcomeOf({webhook, 2}, 2, DeliveryState::kDead)}},
      DeleteWebhook{webhook},
      RecordOutcomes{{OutcomeOf({webhook, 2}, 3, DeliveryState::kDead)}},
  });
  const auto result = [&](int i) { return ResultOf<RecordOutcomes>(second[i]).outcomes[0]; };
  EXPECT_EQ(result(1), RecordOutcomes::Recorded::kRecorded);
  EXPECT_EQ(result(3), RecordOutcomes::Recorded::kRecorded);
  EXPECT_EQ(result(5), RecordOutcomes::Recorded::kGone);
}

TEST_P(StoreConformanceTest, ReadsNeverSeeHalfAWrite) {
  const WebhookKey one = MakeWebhook();
  const WebhookKey two = MakeWebhook();
  const int64_t generation = GenerationOf(kDefaultTenant);
  std::vector<AppendPublished> appends;
  for (int i = 0; i < 60; ++i) {
    appends.push_back(Publishing({{}, {}}, {one, two}));
    appends.back().generation = generation;
  }
  std::atomic<bool> written = false;
  std::thread writer([&] {
    for (size_t i = 0; i < appends.size(); i += 2) {
      WriteAll({appends[i], appends[i + 1]});
    }
    written = true;
  });
  bool last_round = false;
  do {
    last_round = written;
    const auto events = store().ListEvents(kDefaultTenant, {}, 0, 1000);
    ASSERT_EQ(events.status(), absl::OkStatus());
    EXPECT_EQ(events->events.size() % 4, 0);
    const auto deliveries = store().ListDeliveries(kDefaultTenant, {}, {}, 1000);
    ASSERT_EQ(deliveries.status(), absl::OkStatus());
    EXPECT_EQ(deliveries->deliveries.size() % 8, 0);
    const auto due = store().LoadDue(one, now_, 1000, {});
    ASSERT_EQ(due.status(), absl::OkStatus());
    EXPECT_EQ(due->deliveries.size() % 4, 0);
    for (const PendingDelivery& pending : due->deliveries) {
      EXPECT_EQ(pending.event->number, pending.delivery.key.event_number);
    }
  } while (!last_round);
  writer.join();
}

TEST_P(StoreConformanceTest, CheckpointsRunBesideWritesAndReads) {
  const WebhookKey webhook = MakeWebhook();
  std::atomic<bool> written = false;
  std::thread checkpointer([&] {
    while (!written) EXPECT_EQ(store().Checkpoint(), absl::OkStatus());
  });
  for (int i = 0; i < 50; ++i) Publish({{}, {}}, {webhook});
  written = true;
  checkpointer.join();
  EXPECT_EQ(store().Checkpoint(), absl::OkStatus());
  EXPECT_EQ(DueNumbers(webhook, 1000).size(), 100);
  Reopen();
  EXPECT_EQ(DueNumbers(webhook, 1000).size(), 100);
}

TEST_P(StoreConformanceTest, TwoHandlesWriteAtOnce) {
  const WebhookKey webhook = MakeWebhook();
  const auto other = OpenAnother();
  std::array<std::vector<AppendPublished>, 2> appends;
  const int64_t generation = GenerationOf(kDefaultTenant);
  for (auto& of_thread : appends) {
    for (int i = 0; i < 50; ++i) {
      of_thread.push_back(Publishing({{}, {}}, {webhook}));
      of_thread.back().generation = generation;
    }
  }
  const auto write = [](Store* store, const std::vector<AppendPublished>& of_thread) {
    for (const AppendPublished& append : of_thread) {
      EXPECT_EQ(ApplyTo(*store, append).status, absl::OkStatus());
    }
  };
  std::thread second(write, other.get(), std::cref(appends[1]));
  write(&store(), appends[0]);
  second.join();
  EXPECT_THAT(Publish({{}}), ElementsAre(201));
  EXPECT_EQ(DueNumbers(webhook, 1000).size(), 200);
}

TEST_P(StoreConformanceTest, AnEmptyWriteIsNothing) {
  EXPECT_EQ(store().Write({}, {}), absl::OkStatus());
  EXPECT_EQ(Apply(RecordOutcomes{}).status, absl::OkStatus());
  EXPECT_EQ(Apply(Publishing({})).status, absl::OkStatus());
}

}  // namespace
}  // namespace latchwire
