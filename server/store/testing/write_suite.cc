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
  AppendEvents append = Publishing({{}}, {webhook});
  append = ApplyTo(*other, append);
  EXPECT_EQ(append.events[0].event->number, 2);
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
  Mutation mutations[] = {
      Publishing({{}}, {webhook}),
      Publishing({{}, conflicting, {}}, {webhook}),
      missing,
      RecordOutcomes{{OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded)}},
      fenced,
      UpdateWebhook{stale},
      DeleteApiKey{kDefaultTenant, "none"},
      Publishing({{}}, {webhook}),
  };
  ASSERT_EQ(store().Write(absl::MakeSpan(mutations)), absl::OkStatus());
  EXPECT_EQ(StatusOf(mutations[0]), absl::OkStatus());
  EXPECT_THAT(StatusOf(mutations[1]), HasReason("EVENT_ID_CONFLICT"));
  EXPECT_THAT(StatusOf(mutations[2]), HasReason("DELIVERY_NOT_FOUND"));
  EXPECT_EQ(StatusOf(mutations[3]), absl::OkStatus());
  EXPECT_THAT(StatusOf(mutations[4]), HasReason("AGENT_STREAM_FENCED"));
  EXPECT_THAT(StatusOf(mutations[5]), HasReason("ETAG_MISMATCH"));
  EXPECT_THAT(StatusOf(mutations[6]), HasReason("API_KEY_NOT_FOUND"));
  EXPECT_EQ(std::get<AppendEvents>(mutations[7]).events[0].event->number, 3);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(2, 3));
}

TEST_P(StoreConformanceTest, AMutationSeesThoseBeforeIt) {
  CreateWebhook create{SampleWebhook(kDefaultTenant)};
  Mutation first[] = {create, CreateWebhook{SampleWebhook(kDefaultTenant)}, create};
  ASSERT_EQ(store().Write(absl::MakeSpan(first)), absl::OkStatus());
  EXPECT_EQ(std::get<CreateWebhook>(first[0]).generation, 1);
  EXPECT_EQ(std::get<CreateWebhook>(first[1]).generation, 2);
  EXPECT_EQ(std::get<CreateWebhook>(first[1]).webhook.key.uid, 2);
  EXPECT_THAT(StatusOf(first[2]), HasReason("WEBHOOK_ALREADY_EXISTS"));

  const WebhookKey webhook{kDefaultTenant, 1};
  const int64_t fence = FenceOf(webhook);
  ASSERT_GT(fence, 0);
  Mutation second[] = {
      Publishing({{}, {}}, {webhook}),
      RecordOutcomes{{OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded)}},
      RecordOutcomes{{OutcomeOf({webhook, 2}, 1, DeliveryState::kPending)}},
      RecordOutcomes{{OutcomeOf({webhook, 2}, 2, DeliveryState::kDead)}},
      DeleteWebhook{webhook},
      RecordOutcomes{{OutcomeOf({webhook, 2}, 3, DeliveryState::kDead)}},
  };
  ASSERT_EQ(store().Write(absl::MakeSpan(second)), absl::OkStatus());
  const auto result = [&](int i) { return std::get<RecordOutcomes>(second[i]).outcomes[0].result; };
  EXPECT_EQ(result(1), DeliveryOutcome::Result::kRecorded);
  EXPECT_EQ(result(3), DeliveryOutcome::Result::kRecorded);
  EXPECT_EQ(result(5), DeliveryOutcome::Result::kGone);
}

TEST_P(StoreConformanceTest, ReadsNeverSeeHalfAWrite) {
  const WebhookKey one = MakeWebhook();
  const WebhookKey two = MakeWebhook();
  const int64_t generation = GenerationOf(kDefaultTenant);
  std::vector<AppendEvents> appends;
  for (int i = 0; i < 60; ++i) {
    appends.push_back(Publishing({{}, {}}, {one, two}));
    appends.back().generation = generation;
  }
  std::atomic<bool> written = false;
  std::thread writer([&] {
    for (size_t i = 0; i < appends.size(); i += 2) {
      Mutation both[] = {std::move(appends[i]), std::move(appends[i + 1])};
      EXPECT_EQ(store().Write(absl::MakeSpan(both)), absl::OkStatus());
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
  std::array<std::vector<AppendEvents>, 2> appends;
  const int64_t generation = GenerationOf(kDefaultTenant);
  for (auto& of_thread : appends) {
    for (int i = 0; i < 50; ++i) {
      of_thread.push_back(Publishing({{}, {}}, {webhook}));
      of_thread.back().generation = generation;
    }
  }
  const auto write = [](Store* store, std::vector<AppendEvents>* of_thread) {
    for (AppendEvents& append : *of_thread) {
      Mutation one[] = {std::move(append)};
      EXPECT_EQ(store->Write(absl::MakeSpan(one)), absl::OkStatus());
      EXPECT_EQ(StatusOf(one[0]), absl::OkStatus());
    }
  };
  std::thread second(write, other.get(), &appends[1]);
  write(&store(), &appends[0]);
  second.join();
  EXPECT_THAT(Publish({{}}), ElementsAre(201));
  EXPECT_EQ(DueNumbers(webhook, 1000).size(), 200);
}

TEST_P(StoreConformanceTest, AnEmptyWriteIsNothing) {
  EXPECT_EQ(store().Write({}), absl::OkStatus());
  EXPECT_EQ(Apply(RecordOutcomes{}).status, absl::OkStatus());
  EXPECT_EQ(Apply(Publishing({})).status, absl::OkStatus());
}

}  // namespace
}  // namespace latchwire
