// Retention: what is old goes, but for what still waits.
#include "absl/strings/str_cat.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Cleaner {
 public:
  explicit Cleaner(Store* store) : store_(*store) {}

  Applied<DeleteOldEvents> Step(absl::Time stored_before, absl::Time held_before, int limit = 500,
                                TenantId tenant = kDefaultTenant) {
    DeleteOldEvents del;
    del.tenant = tenant;
    del.stored_before = stored_before;
    del.held_before = held_before;
    del.limit = limit;
    return ApplyTo(store_, del);
  }
  // Until there is nothing more to do now; gives the number of deleted events.
  int64_t Run(absl::Time stored_before, absl::Time held_before, int limit = 500) {
    int64_t deleted = 0;
    for (int steps = 0; steps < 1000; ++steps) {
      const auto del = Step(stored_before, held_before, limit);
      EXPECT_EQ(del.status, absl::OkStatus());
      EXPECT_LE(del.deleted_events, limit);
      deleted += del.deleted_events;
      if (!del.more) return deleted;
    }
    ADD_FAILURE() << "there is always more";
    return deleted;
  }
  std::vector<int64_t> Events() {
    std::vector<int64_t> numbers;
    const auto page = store_.ListEvents(kDefaultTenant, {}, 0, 1000);
    EXPECT_EQ(page.status(), absl::OkStatus());
    for (const Event& event : page->events) numbers.insert(numbers.begin(), event.number);
    return numbers;
  }
  Tenant DefaultTenant() { return store_.LoadTenants()->at(0); }

 private:
  Store& store_;
};

TEST_P(StoreConformanceTest, OldEventsGoWithAllThatIsTheirs) {
  Cleaner cleaner(&store());
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey other = MakeWebhook(WebhookOrdering::kBySubject);
  for (int64_t number = 1; number <= 4; ++number) {
    PublishOne({}, number == 4 ? std::vector<WebhookKey>{} : std::vector{webhook, other});
    now_ += absl::Minutes(10);
  }
  for (int64_t number = 1; number <= 3; ++number) {
    for (const WebhookKey& key : {webhook, other}) {
      Record(OutcomeOf({key, number}, 1, DeliveryState::kPending));
      Record(OutcomeOf({key, number}, 2, DeliveryState::kSucceeded));
    }
  }
  EXPECT_EQ(cleaner.Run(kNow, kNow), 0);
  EXPECT_THAT(cleaner.Events(), ElementsAre(1, 2, 3, 4));

  EXPECT_EQ(cleaner.Run(kNow + absl::Minutes(11), absl::InfinitePast()), 2);
  EXPECT_THAT(cleaner.Events(), ElementsAre(3, 4));
  EXPECT_THAT(store().GetEvent(kDefaultTenant, 2).status(), HasReason("EVENT_NOT_FOUND"));
  for (const WebhookKey& key : {webhook, other}) {
    EXPECT_THAT(store().GetDelivery({key, 2}).status(), HasReason("DELIVERY_NOT_FOUND"));
    EXPECT_THAT(store().ListAttempts({key, 2}, 0, 10).status(), HasReason("DELIVERY_NOT_FOUND"));
    EXPECT_EQ(store().ListAttempts({key, 3}, 0, 10)->size(), 2u);
    EXPECT_EQ(Record(OutcomeOf({key, 2}, 3, DeliveryState::kDead)),
              RecordOutcomes::Recorded::kGone);  // an answer that comes late
    EXPECT_THAT(Apply(RetryDelivery{{key, 2}, now_}).status, HasReason("DELIVERY_NOT_FOUND"));
  }
  DeliveryFilter of_webhook;
  of_webhook.webhook_uid = webhook.uid;
  EXPECT_EQ(store().ListDeliveries(kDefaultTenant, of_webhook, {}, 10)->deliveries.size(), 1u);
  EXPECT_EQ(store().ListDeliveries(kDefaultTenant, {}, {}, 10)->deliveries.size(), 2u);
  DeliveryFilter of_event;
  of_event.event_number = 1;
  EXPECT_THAT(store().ListDeliveries(kDefaultTenant, of_event, {}, 10)->deliveries, IsEmpty());

  Reopen();
  Cleaner again(&store());
  EXPECT_EQ(again.Run(now_ + absl::Hours(1), absl::InfinitePast()), 2);
  EXPECT_THAT(again.Events(), IsEmpty());
  EXPECT_EQ(PublishOne({}, {webhook}), 5);  // numbers are never used again
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(5));
}

TEST_P(StoreConformanceTest, AnEventIsKeptToTheEndOfItsMinute) {
  Cleaner cleaner(&store());
  now_ += absl::Seconds(59);
  Publish({{}});
  EXPECT_EQ(cleaner.Run(now_ + absl::Milliseconds(900), absl::InfinitePast()), 0);
  EXPECT_EQ(cleaner.Run(kNow + absl::Minutes(1), absl::InfinitePast()), 1);
}

TEST_P(StoreConformanceTest, AClockThatIsSetBackMakesNothingOlder) {
  Cleaner cleaner(&store());
  Publish({{}});
  now_ -= absl::Hours(5);
  Publish({{}});
  EXPECT_EQ(cleaner.Run(kNow - absl::Minutes(1), absl::InfinitePast()), 0);
  now_ = kNow + absl::Minutes(3);
  Publish({{}});
  EXPECT_EQ(cleaner.Run(kNow + absl::Minutes(2), absl::InfinitePast()), 2);
  EXPECT_THAT(cleaner.Events(), ElementsAre(3));
}

TEST_P(StoreConformanceTest, WhatIsStoredIsCountedUpAndDownAlike) {
  Cleaner cleaner(&store());
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey deleted = MakeWebhook();
  Publish(
      {{},
       {"caller's own id", "t", "", "\xc3\xa9", R"({"long":")" + std::string(9000, 'x') + "\"}"}},
      {webhook, deleted});
  AppendPublished binary = Publishing({{}}, {});
  binary.events[0].event->is_json = false;
  binary.events[0].event->data = std::string("\0\1\2", 3);
  Apply(binary);
  const Tenant tenant = cleaner.DefaultTenant();
  EXPECT_EQ(tenant.stored_events, 3);
  EXPECT_GT(tenant.stored_bytes, 9000 + 3 * kEventOverheadBytes);
  Apply(DeleteWebhook{deleted});
  Apply(PurgeDeleted{});
  for (const int64_t number : {1, 2}) {
    Record(OutcomeOf({webhook, number}, 1, DeliveryState::kSucceeded));
  }
  now_ += absl::Hours(1);
  Publish({{}});
  const auto del = cleaner.Step(now_, absl::InfinitePast());
  EXPECT_EQ(del.deleted_events, 3);
  EXPECT_EQ(del.stored_events, 1);
  EXPECT_GT(del.stored_bytes, 0);
  EXPECT_LT(del.stored_bytes, 1000);
  EXPECT_EQ(cleaner.DefaultTenant().stored_bytes, del.stored_bytes);
  EXPECT_EQ(cleaner.Step(now_ + absl::Hours(1), absl::InfinitePast()).stored_bytes, 0);
  EXPECT_EQ(cleaner.DefaultTenant().stored_events, 0);
}

TEST_P(StoreConformanceTest, EventsWithPendingDeliveriesAreHeld) {
  Cleaner cleaner(&store());
  const WebhookKey fast = MakeWebhook();
  const WebhookKey slow = MakeWebhook(WebhookOrdering::kBySubject);
  for (int64_t number = 1; number <= 6; ++number) {
    PublishOne({}, number % 2 == 0 ? std::vector{fast, slow} : std::vector{fast});
    Record(OutcomeOf({fast, number}, 1, DeliveryState::kSucceeded));
  }
  const absl::Time later = kNow + absl::Hours(1);
  now_ = later;
  EXPECT_EQ(cleaner.Run(later, kNow, 2), 3);
  EXPECT_THAT(cleaner.Events(), ElementsAre(2, 4, 6));
  EXPECT_EQ(store().LoadHeads(slow, now_, 10, {})->deliveries.size(), 1u);
  EXPECT_EQ(DeliveryAt({fast, 2}).state, DeliveryState::kSucceeded);  // all of it is kept
  EXPECT_EQ(cleaner.Step(later, kNow).held_events, 3);

  Record(OutcomeOf({slow, 4}, 1, DeliveryState::kDead));
  Reopen();
  Cleaner again(&store());
  EXPECT_EQ(again.Run(later, kNow), 1);
  EXPECT_THAT(again.Events(), ElementsAre(2, 6));

  // Past held_before what waits expires.
  const auto last = again.Step(later, kNow + absl::Minutes(1));
  EXPECT_EQ(last.deleted_events, 2);
  EXPECT_EQ(last.held_events, 0);
  EXPECT_EQ(last.expired_deliveries, 2);
  ASSERT_EQ(last.stats.size(), 1u);
  EXPECT_EQ(last.stats[0].key, slow);
  EXPECT_EQ(last.stats[0].pending, 0);
  EXPECT_EQ(last.stats[0].expired, 2);
  EXPECT_EQ(store().LoadStats({}, 10)->at(1), last.stats[0]);
  EXPECT_THAT(last.webhooks, ElementsAre(slow));
  EXPECT_THAT(again.Events(), IsEmpty());
  EXPECT_THAT(store().LoadHeads(slow, now_, 10, {})->deliveries, IsEmpty());
  EXPECT_THAT(store().LoadWork({}, 10).value(), IsEmpty());
}

TEST_P(StoreConformanceTest, WhatIsPastItsHeldTimeAtOnceExpiresAtOnce) {
  Cleaner cleaner(&store());
  const WebhookKey webhook = MakeWebhook();
  Publish({{}, {}}, {webhook});
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded));
  const auto del = cleaner.Step(kNow + absl::Hours(1), kNow + absl::Hours(1));
  EXPECT_EQ(del.deleted_events, 2);
  EXPECT_EQ(del.held_events, 0);
  EXPECT_THAT(del.webhooks, ElementsAre(webhook));
}

TEST_P(StoreConformanceTest, ADeletedWebhookHoldsNothing) {
  Cleaner cleaner(&store());
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey deleted = MakeWebhook();
  Publish({{}, {}}, {webhook, deleted});
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded));
  const absl::Time later = kNow + absl::Hours(1);
  EXPECT_EQ(cleaner.Run(later, kNow), 0);
  Apply(DeleteWebhook{deleted});
  EXPECT_EQ(cleaner.Run(later, kNow), 1);
  EXPECT_THAT(cleaner.Events(), ElementsAre(2));
}

TEST_P(StoreConformanceTest, ManyHeldEventsAreAllLookedAtInTurn) {
  Cleaner cleaner(&store());
  const WebhookKey webhook = MakeWebhook();
  Publish(std::vector<EventSpec>(40), {webhook});
  const absl::Time later = kNow + absl::Hours(1);
  EXPECT_EQ(cleaner.Run(later, kNow, 8), 0);
  EXPECT_EQ(cleaner.Step(later, kNow, 8).held_events, 40);
  for (const int64_t number : {1, 20, 39, 40}) {
    Record(OutcomeOf({webhook, number}, 1, DeliveryState::kSucceeded));
  }
  int64_t deleted = 0;
  for (int round = 0; round < 25; ++round) deleted += cleaner.Run(later, kNow, 8);
  EXPECT_EQ(deleted, 4);
  EXPECT_EQ(cleaner.Step(later, kNow, 8).held_events, 36);
  EXPECT_EQ(cleaner.Run(later, later, 8), 36);
}

TEST_P(StoreConformanceTest, AnIdOutlivesItsEvent) {
  Cleaner cleaner(&store());
  EventSpec spec{"order-17"};
  EXPECT_EQ(PublishOne(spec, {}), 1);
  now_ += absl::Hours(1);
  EXPECT_EQ(cleaner.Run(now_, absl::InfinitePast()), 1);
  spec.data = R"({"other":1})";  // nobody can tell any more
  const auto again = Apply(Publishing({spec}));
  EXPECT_EQ(again.status, absl::OkStatus());
  EXPECT_EQ(again.events[0].kind, AppendResult::Kind::kDuplicate);
  EXPECT_EQ(again.events[0].number, 1);
  EXPECT_THAT(cleaner.Events(), IsEmpty());
}

TEST_P(StoreConformanceTest, RetentionIsTheTenantsOwn) {
  Cleaner cleaner(&store());
  MakeWebhook(WebhookOrdering::kNone, 2);
  Publish({{}});
  Publish({{}}, {}, 2);
  const absl::Time later = kNow + absl::Hours(1);
  EXPECT_EQ(cleaner.Step(later, kNow, 500, 2).deleted_events, 1);
  EXPECT_THAT(cleaner.Events(), ElementsAre(1));
  EXPECT_THAT(cleaner.Step(later, kNow, 500, 9).status, HasReason("TENANT_NOT_FOUND"));
}

}  // namespace
}  // namespace latchwire
