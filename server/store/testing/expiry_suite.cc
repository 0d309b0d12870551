// Deliveries that nobody wants any more after a while.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_P(StoreConformanceTest, ExpiryTakesTheEarliestFirst) {
  const WebhookKey plain = MakeWebhook();
  const WebhookKey ordered = MakeWebhook(WebhookOrdering::kBySubject);
  const WebhookKey deleted = MakeWebhook();
  AppendPublished append = Publishing({{}, {}, {}, {}, {}}, {plain, ordered, deleted});
  for (int i = 0; i < 4; ++i) {  // the last one never expires
    for (DeliveryTarget& target : append.events[i].targets) {
      target.expire_time = now_ + absl::Seconds(40 - 10 * i);
    }
  }
  EXPECT_EQ(Apply(append).status, absl::OkStatus());
  Record(OutcomeOf({plain, 3}, 1, DeliveryState::kSucceeded));
  Record(OutcomeOf({plain, 4}, 1, DeliveryState::kPending, absl::Hours(1)));
  Apply(DeleteWebhook{deleted});
  EXPECT_EQ(store().LoadHeads(ordered, now_, 1, {})->deliveries[0].event->number, 1);

  ExpireDeliveries expire;
  expire.now = now_ + absl::Seconds(10) - absl::Microseconds(1);
  auto done = Apply(expire);
  EXPECT_EQ(done.status, absl::OkStatus());
  EXPECT_EQ(done.expired_deliveries, 0);
  EXPECT_FALSE(done.more);
  EXPECT_THAT(done.webhooks, IsEmpty());

  expire.now = now_ + absl::Seconds(30);
  done = Apply(expire);
  EXPECT_EQ(done.expired_deliveries, 5);  // 2 to 4 of `ordered`, 2 and 4 of `plain`
  EXPECT_FALSE(done.more);
  EXPECT_THAT(done.webhooks, UnorderedElementsAre(plain, ordered));
  ASSERT_EQ(done.stats.size(), 2);
  for (const WebhookStats& stats : done.stats) {
    EXPECT_EQ(stats.pending, 2);
    EXPECT_EQ(stats.expired, stats.key == plain ? 2 : 3);
  }
  for (const int64_t number : {2, 3, 4}) {
    EXPECT_EQ(DeliveryAt({plain, number}).state,
              number == 3 ? DeliveryState::kSucceeded : DeliveryState::kExpired);
    EXPECT_EQ(DeliveryAt({ordered, number}).state, DeliveryState::kExpired);
  }
  EXPECT_EQ(DeliveryAt({plain, 4}).attempt_count, 1);
  EXPECT_THAT(DueNumbers(plain), ElementsAre(1, 5));
  EXPECT_EQ(Apply(expire).expired_deliveries, 0);

  // One that is retried does not expire again.
  RetryDelivery retry;
  retry.key = {ordered, 2};
  retry.now = now_;
  EXPECT_EQ(Apply(retry).delivery.expire_time, absl::InfiniteFuture());
  expire.now = now_ + absl::Hours(24);
  EXPECT_EQ(Apply(expire).expired_deliveries, 2);
  EXPECT_EQ(DeliveryAt({ordered, 2}).state, DeliveryState::kPending);
}

TEST_P(StoreConformanceTest, ExpiryIsDoneInSteps) {
  const WebhookKey webhook = MakeWebhook();
  AppendPublished append = Publishing(std::vector<EventSpec>(7), {webhook});
  for (int i = 0; i < 7; ++i) {
    append.events[i].targets[0].expire_time = now_ + absl::Seconds(7 - i);
  }
  Apply(append);
  ExpireDeliveries expire;
  expire.now = now_ + absl::Seconds(7);
  expire.limit = 3;
  auto done = Apply(expire);
  EXPECT_TRUE(done.more);
  EXPECT_EQ(done.expired_deliveries, 3);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(done.webhooks, ElementsAre(webhook));
  expire.limit = 4;
  done = Apply(expire);
  EXPECT_FALSE(done.more);
  EXPECT_EQ(done.expired_deliveries, 4);
  EXPECT_THAT(DueNumbers(webhook), IsEmpty());
  EXPECT_THAT(store().LoadStats({}, 10)->at(0).expired, 7);
}

}  // namespace
}  // namespace latchwire
