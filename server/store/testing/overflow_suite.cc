// What bounds an append: max_pending of webhooks, quotas of tenants. All or nothing.
#include "server/store/driver/driver_rules.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = AppendResult::Kind;

AppendPublished Bounded(AppendPublished append, int64_t max_pending, OverflowPolicy overflow) {
  for (NewEvent& event : append.events) {
    for (DeliveryTarget& target : event.targets) {
      target.max_pending = max_pending;
      target.overflow = overflow;
    }
  }
  return append;
}

// Of each event whether its delivery to `webhook` was dropped at once.
std::vector<bool> DroppedOf(const AppendResult& append, WebhookKey webhook) {
  std::vector<bool> dropped;
  for (const AppendResult::OfEvent& event : append.events) {
    dropped.push_back(
        testing::Value(append.dropped_new, testing::Contains(DeliveryKey{webhook, event.number})));
  }
  return dropped;
}

TEST_P(StoreConformanceTest, AFullQueueRejects) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey other = MakeWebhook();
  const auto publish = [&](const std::vector<EventSpec>& specs) {
    AppendPublished append = Publishing(specs, {webhook, other});
    for (NewEvent& event : append.events) event.targets[0].max_pending = 3;
    return Apply(append);
  };
  EXPECT_EQ(publish({{"a"}, {"b"}}).status, absl::OkStatus());
  const auto refused = publish({{}, {}});
  EXPECT_THAT(refused.status, HasReason("QUEUE_FULL"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetadataOf(refused.status).at("webhook_uid"), std::to_string(webhook.uid));
  EXPECT_EQ(MetadataOf(refused.status).at("max_pending"), "3");
  EXPECT_THAT(DueNumbers(other), ElementsAre(1, 2));

  // Known events need no room.
  EXPECT_EQ(publish({{"a"}, {"b"}, {"c"}, {"c"}}).status, absl::OkStatus());
  EXPECT_EQ(publish({{"a"}, {"b"}, {"c"}}).status, absl::OkStatus());
  EXPECT_THAT(publish({{"d"}}).status, HasReason("QUEUE_FULL"));
  EXPECT_FALSE(store().FindEvent(kDefaultTenant, "d").ok());
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kPending, absl::Hours(1)));
  EXPECT_THAT(publish({{"d"}}).status, HasReason("QUEUE_FULL"));
  Record(OutcomeOf({webhook, 2}, 1, DeliveryState::kDead));
  EXPECT_EQ(publish({{"d"}}).events[0].number, 4);
}

TEST_P(StoreConformanceTest, AFullQueueDropsTheNewest) {
  const WebhookKey webhook = MakeWebhook(WebhookOrdering::kBySubject);
  auto append = Apply(Bounded(Publishing({{}, {}, {}}, {webhook}), 2, OverflowPolicy::kDropNewest));
  EXPECT_EQ(append.status, absl::OkStatus());
  EXPECT_THAT(DroppedOf(append, webhook), ElementsAre(false, false, true));
  EXPECT_EQ(append.events[2].kind, Kind::kStored);
  EXPECT_THAT(append.dropped_old, IsEmpty());
  EXPECT_EQ(append.stats.at(0).pending, 2);
  EXPECT_EQ(append.stats.at(0).dropped, 1);
  EXPECT_EQ(DeliveryAt({webhook, 3}).state, DeliveryState::kDropped);
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kSucceeded));
  append = Apply(Bounded(Publishing({{}, {}}, {webhook}), 2, OverflowPolicy::kDropNewest));
  EXPECT_THAT(DroppedOf(append, webhook), ElementsAre(false, true));
  // A dropped one can be retried; that is not bound by the limit.
  RetryDelivery retry;
  retry.key = {webhook, 3};
  retry.now = now_;
  const auto retried = Apply(retry);
  EXPECT_EQ(retried.status, absl::OkStatus());
  EXPECT_EQ(retried.stats.at(0).pending, 3);
  EXPECT_EQ(retried.stats.at(0).dropped, 2);
  EXPECT_EQ(store().LoadHeads(webhook, now_, 10, {})->deliveries.at(0).event->number, 2);
}

TEST_P(StoreConformanceTest, AFullQueueDropsTheOldest) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey other = MakeWebhook();
  const auto publish = [&](int count, int64_t max_pending) {
    AppendPublished append = Publishing(std::vector<EventSpec>(count), {webhook, other});
    for (NewEvent& event : append.events) {
      event.targets[0].max_pending = max_pending;
      event.targets[0].overflow = OverflowPolicy::kDropOldest;
    }
    auto applied = Apply(append);
    EXPECT_EQ(applied.status, absl::OkStatus());
    return applied;
  };
  const auto key = [&](int64_t number) { return DeliveryKey{webhook, number}; };
  EXPECT_THAT(publish(4, 4).dropped_old, IsEmpty());
  // The oldest by number, whenever it is due.
  Record(OutcomeOf(key(1), 1, DeliveryState::kPending, absl::Hours(1)));
  Record(OutcomeOf(key(2), 1, DeliveryState::kSucceeded));
  auto append = publish(3, 4);
  EXPECT_THAT(append.dropped_old, ElementsAre(key(1), key(3)));
  EXPECT_EQ(append.stats.at(0).pending, 4);
  EXPECT_EQ(append.stats.at(0).dropped, 2);
  EXPECT_EQ(append.stats.at(1).pending, 7);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(4, 5, 6, 7));
  EXPECT_EQ(DeliveryAt(key(1)).state, DeliveryState::kDropped);
  EXPECT_EQ(DeliveryAt({other, 1}).state, DeliveryState::kPending);
  // What is retried is the oldest again.
  RetryDelivery retry;
  retry.key = key(3);
  retry.now = now_;
  EXPECT_EQ(Apply(retry).stats.at(0).pending, 5);
  // Each new one takes the place of one, also where more wait than may.
  EXPECT_THAT(publish(1, 4).dropped_old, ElementsAre(key(3)));
  EXPECT_THAT(publish(1, 2).dropped_old, ElementsAre(key(4)));
  Reopen();
  // More at once than may wait: the last ones stay.
  append = publish(7, 5);
  EXPECT_THAT(append.dropped_old, ElementsAre(key(5), key(6), key(7), key(8), key(9)));
  EXPECT_THAT(DroppedOf(append, webhook),
              ElementsAre(true, true, false, false, false, false, false));
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(12, 13, 14, 15, 16));
  EXPECT_EQ(DeliveryAt(key(10)).state, DeliveryState::kDropped);
  // One that was in flight when it was dropped and then succeeds has succeeded; others stay.
  Record(OutcomeOf(key(10), 1, DeliveryState::kPending));
  EXPECT_EQ(DeliveryAt(key(10)).state, DeliveryState::kDropped);
  Record(OutcomeOf(key(10), 2, DeliveryState::kSucceeded));
  EXPECT_EQ(DeliveryAt(key(10)).state, DeliveryState::kSucceeded);
  EXPECT_EQ(store().LoadStats({}, 1)->at(0).pending, 5);
}

TEST_P(StoreConformanceTest, StoredBytesAreCountedAndBounded) {
  const WebhookKey webhook = MakeWebhook();
  const EventSpec spec{"id", "type", "source", "subject", "\"data\""};
  AppendPublished append = Publishing({spec, {}}, {webhook});
  const int64_t first = StoredBytes(2 + 4 + 6 + 7, 6, 1);
  const Event& second = *append.events[1].event;
  const int64_t both =
      first + StoredBytes(36 + second.type.size() + second.source.size() + second.subject.size(),
                          second.data.size(), 1);
  append.max_stored_bytes = both - 1;
  const auto refused = Apply(append);
  EXPECT_THAT(refused.status, HasReason("QUOTA_EXCEEDED"));
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetadataOf(refused.status).at("quota"), "max_stored_bytes");
  EXPECT_EQ(MetadataOf(refused.status).at("limit"), std::to_string(both - 1));
  EXPECT_EQ(store().LoadTenants()->at(0).stored_events, 0);
  append.max_stored_bytes = both;
  auto stored = Apply(append);
  EXPECT_EQ(stored.status, absl::OkStatus());
  EXPECT_EQ(stored.stored_bytes, both);
  EXPECT_EQ(stored.stored_events, 2);
  Reopen();
  EXPECT_EQ(store().LoadTenants()->at(0).stored_bytes, both);
  EXPECT_EQ(store().LoadTenants()->at(0).stored_events, 2);
  // What is known needs no room.
  append = Publishing({spec}, {webhook});
  append.max_stored_bytes = 1;
  stored = Apply(append);
  EXPECT_EQ(stored.status, absl::OkStatus());
  EXPECT_EQ(stored.events[0].kind, Kind::kDuplicate);
  EXPECT_EQ(stored.stored_bytes, both);
}

TEST_P(StoreConformanceTest, ATenantHasOnlySoManyWebhooks) {
  CreateWebhook create{SampleWebhook(kDefaultTenant)};
  create.max_webhooks = 2;
  const WebhookKey first = Apply(create).webhook->key;
  MakeWebhook(WebhookOrdering::kNone, 2);  // another tenant's
  create.webhook = SampleWebhook(kDefaultTenant);
  EXPECT_EQ(Apply(create).status, absl::OkStatus());
  create.webhook = SampleWebhook(kDefaultTenant);
  const auto refused = Apply(create);
  EXPECT_THAT(refused.status, HasReason("QUOTA_EXCEEDED"));
  EXPECT_EQ(MetadataOf(refused.status).at("quota"), "max_webhooks");
  EXPECT_EQ(GenerationOf(kDefaultTenant), 2);
  Apply(DeleteWebhook{first});
  EXPECT_EQ(Apply(create).status, absl::OkStatus());
}

}  // namespace
}  // namespace latchwire
