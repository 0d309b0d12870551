// What the scheduler loads: work, due deliveries, heads of lanes.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<int64_t> NumbersOf(const DueDeliveries& due) {
  std::vector<int64_t> numbers;
  for (const PendingDelivery& pending : due.deliveries) {
    numbers.push_back(pending.delivery.key.event_number);
  }
  return numbers;
}

EventSpec At(const std::string& subject) {
  EventSpec spec;
  spec.subject = subject;
  return spec;
}

TEST_P(StoreConformanceTest, LoadDueGivesTheEarliestFirst) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey other = MakeWebhook();
  Publish({{}, {}, {}, {}, {}}, {webhook, other});
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kPending, absl::Seconds(30)));
  Record(OutcomeOf({webhook, 2}, 1, DeliveryState::kPending, absl::Seconds(20)));
  Record(OutcomeOf({webhook, 3}, 1, DeliveryState::kDead));
  Record(OutcomeOf({other, 4}, 1, DeliveryState::kSucceeded));

  auto due = store().LoadDue(webhook, now_, 10, {});
  ASSERT_EQ(due.status(), absl::OkStatus());
  EXPECT_THAT(NumbersOf(*due), ElementsAre(4, 5));
  EXPECT_FALSE(due->more);
  EXPECT_EQ(due->next_due, now_ + absl::Seconds(20));
  EXPECT_EQ(Describe(due->deliveries[0].delivery), Describe(DeliveryAt({webhook, 4})));
  EXPECT_EQ(Describe(*due->deliveries[0].event), Describe(*store().GetEvent(kDefaultTenant, 4)));

  due = store().LoadDue(webhook, now_ + absl::Seconds(20), 10, {});
  EXPECT_THAT(NumbersOf(*due), ElementsAre(4, 5, 2));
  EXPECT_EQ(due->next_due, now_ + absl::Seconds(30));
  due = store().LoadDue(webhook, now_ + absl::Hours(1), 10, {});
  EXPECT_THAT(NumbersOf(*due), ElementsAre(4, 5, 2, 1));
  EXPECT_EQ(due->next_due, absl::InfiniteFuture());
  due = store().LoadDue(webhook, now_ - absl::Microseconds(1), 10, {});
  EXPECT_THAT(NumbersOf(*due), IsEmpty());
  EXPECT_EQ(due->next_due, now_);
  due = store().LoadDue({kDefaultTenant, 99}, now_, 10, {});
  EXPECT_THAT(NumbersOf(*due), IsEmpty());
  EXPECT_EQ(due->next_due, absl::InfiniteFuture());
}

TEST_P(StoreConformanceTest, LoadDueLimitsAndExcludes) {
  const WebhookKey webhook = MakeWebhook();
  Publish({{}, {}, {}, {}, {}}, {webhook});
  auto due = store().LoadDue(webhook, now_, 2, {});
  EXPECT_THAT(NumbersOf(*due), ElementsAre(1, 2));
  EXPECT_TRUE(due->more);
  due = store().LoadDue(webhook, now_, 2, {1, 2, 4, 77});
  EXPECT_THAT(NumbersOf(*due), ElementsAre(3, 5));
  due = store().LoadDue(webhook, now_, 2, {1, 2, 3, 4, 5});
  EXPECT_THAT(NumbersOf(*due), IsEmpty());
  EXPECT_FALSE(due->more);
  EXPECT_EQ(due->next_due, absl::InfiniteFuture());
}

TEST_P(StoreConformanceTest, LoadHeadsGivesHeadsOnly) {
  const WebhookKey webhook = MakeWebhook(WebhookOrdering::kBySubject);
  Publish({At("a"), At("b"), At("a"), At("c"), At("b")}, {webhook});
  auto due = store().LoadHeads(webhook, now_, 10, {});
  ASSERT_EQ(due.status(), absl::OkStatus());
  EXPECT_THAT(NumbersOf(*due), UnorderedElementsAre(1, 2, 4));
  EXPECT_FALSE(due->more);
  EXPECT_EQ(due->next_due, absl::InfiniteFuture());
  for (const PendingDelivery& pending : due->deliveries) {
    EXPECT_EQ(Describe(pending.delivery), Describe(DeliveryAt(pending.delivery.key)));
    EXPECT_EQ(Describe(*pending.event),
              Describe(*store().GetEvent(kDefaultTenant, pending.event->number)));
  }

  // A failed head blocks its lane until it is due; others never wait for it.
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kPending, absl::Seconds(30)));
  Record(OutcomeOf({webhook, 2}, 1, DeliveryState::kPending, absl::Seconds(20)));
  due = store().LoadHeads(webhook, now_, 10, {});
  EXPECT_THAT(NumbersOf(*due), UnorderedElementsAre(4));
  EXPECT_EQ(due->next_due, now_ + absl::Seconds(20));
  due = store().LoadHeads(webhook, now_ + absl::Seconds(25), 10, {});
  EXPECT_THAT(NumbersOf(*due), UnorderedElementsAre(2, 4));
  EXPECT_EQ(due->next_due, now_ + absl::Seconds(30));

  // A head that is done, dead or expired frees its lane.
  Record(OutcomeOf({webhook, 1}, 2, DeliveryState::kDead));
  Record(OutcomeOf({webhook, 2}, 0, DeliveryState::kExpired));
  Record(OutcomeOf({webhook, 4}, 1, DeliveryState::kSucceeded));
  due = store().LoadHeads(webhook, now_, 10, {});
  EXPECT_THAT(NumbersOf(*due), UnorderedElementsAre(3, 5));

  // What was dead and is retried by hand is the head again.
  RetryDelivery retry;
  retry.key = {webhook, 1};
  retry.now = now_;
  Apply(retry);
  due = store().LoadHeads(webhook, now_, 10, {});
  EXPECT_THAT(NumbersOf(*due), UnorderedElementsAre(1, 5));
}

TEST_P(StoreConformanceTest, LoadHeadsLimitsAndExcludes) {
  const WebhookKey webhook = MakeWebhook(WebhookOrdering::kBySubject);
  Publish({At("a"), At("b"), At("c"), At("d")}, {webhook});
  const std::string a = OrderKeyOf("panel-1", "a");
  const std::string b = OrderKeyOf("panel-1", "b");
  auto due = store().LoadHeads(webhook, now_, 10, {a, "no such lane"});
  EXPECT_THAT(NumbersOf(*due), UnorderedElementsAre(2, 3, 4));
  due = store().LoadHeads(webhook, now_, 4, {});
  EXPECT_EQ(due->deliveries.size(), 4);
  EXPECT_FALSE(due->more);
  due = store().LoadHeads(webhook, now_, 3, {});
  EXPECT_EQ(due->deliveries.size(), 3);
  EXPECT_TRUE(due->more);
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kPending, absl::Seconds(10)));
  Record(OutcomeOf({webhook, 2}, 1, DeliveryState::kPending, absl::Seconds(20)));
  due = store().LoadHeads(webhook, now_, 10, {a});
  EXPECT_THAT(NumbersOf(*due), UnorderedElementsAre(3, 4));
  EXPECT_EQ(due->next_due, now_ + absl::Seconds(20));
}

TEST_P(StoreConformanceTest, LimitedLoadsOfHeadsStarveNoLane) {
  const WebhookKey webhook = MakeWebhook(WebhookOrdering::kBySubject);
  // Every lane always has more work than is taken.
  for (int round = 0; round < 8; ++round) {
    Publish({At("a"), At("b"), At("c"), At("d"), At("e")}, {webhook});
  }
  std::set<std::string> served;
  for (int load = 0; load < 5; ++load) {
    now_ += absl::Seconds(1);
    const auto due = store().LoadHeads(webhook, now_, 2, {});
    ASSERT_EQ(due->deliveries.size(), 2);
    for (const PendingDelivery& pending : due->deliveries) {
      served.insert(pending.event->subject);
      EXPECT_EQ(Record(OutcomeOf(pending.delivery.key, 1, DeliveryState::kSucceeded)),
                RecordOutcomes::Recorded::kRecorded);
    }
  }
  EXPECT_EQ(served.size(), 5);
}

TEST_P(StoreConformanceTest, LoadWorkNamesWebhooksWithPendingDeliveries) {
  const WebhookKey idle = MakeWebhook();
  const WebhookKey plain = MakeWebhook();
  const WebhookKey ordered = MakeWebhook(WebhookOrdering::kBySubject);
  const WebhookKey done = MakeWebhook();
  const WebhookKey deleted = MakeWebhook();
  const WebhookKey elsewhere = MakeWebhook(WebhookOrdering::kNone, 2);
  Publish({{}, {}}, {plain, ordered, done, deleted});
  Publish({{}}, {elsewhere}, 2);
  for (const int64_t number : {1, 2}) {
    Record(OutcomeOf({plain, number}, 1, DeliveryState::kPending, absl::Seconds(30 + number)));
    Record(OutcomeOf({done, number}, 1, DeliveryState::kSucceeded));
  }
  Apply(DeleteWebhook{deleted});

  const auto work = store().LoadWork({}, 10);
  ASSERT_EQ(work.status(), absl::OkStatus());
  ASSERT_EQ(work->size(), 3);
  EXPECT_EQ((*work)[0].webhook, plain);
  EXPECT_EQ((*work)[0].first_due, now_ + absl::Seconds(31));
  EXPECT_EQ((*work)[1].webhook, ordered);
  EXPECT_LE((*work)[1].first_due, now_);
  EXPECT_EQ((*work)[2].webhook, elsewhere);
  EXPECT_EQ((*work)[2].first_due, now_);

  std::vector<WebhookKey> paged;
  WebhookKey after;
  while (true) {
    const auto page = store().LoadWork(after, 1);
    ASSERT_EQ(page.status(), absl::OkStatus());
    if (page->empty()) break;
    after = page->at(0).webhook;
    paged.push_back(after);
  }
  EXPECT_THAT(paged, ElementsAre(plain, ordered, elsewhere));
  EXPECT_THAT(*store().LoadWork(elsewhere, 10), IsEmpty());
  EXPECT_EQ(idle.uid, 1);
}

TEST_P(StoreConformanceTest, PausedWebhooksAreLoadedAsAny) {
  // Which webhooks deliver is the scheduler's to know: their deliveries are never rewritten.
  const WebhookKey webhook = MakeWebhook();
  Publish({{}}, {webhook});
  Webhook paused = store().LoadWebhooks({}, 1)->at(0);
  paused.state = WebhookState::kPaused;
  EXPECT_EQ(Apply(UpdateWebhook{paused}).status, absl::OkStatus());
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(1));
}

}  // namespace
}  // namespace latchwire
