// Events about outcomes and changes, stored with them or not at all.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Result = NewEvent::Result;

TEST_P(StoreConformanceTest, OutcomesBringTheirEvents) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey watcher = MakeWebhook();
  Publish({{}}, {webhook});
  RecordOutcomes record;
  record.outcomes = {OutcomeOf({webhook, 1}, 1, DeliveryState::kDead)};
  EventSpec about;
  about.type = "latchwire.delivery.dead";
  record.operational = {Publishing({about}, {watcher}), Publishing({about}, {}, 2)};
  record = Apply(record);
  EXPECT_EQ(record.status, absl::OkStatus());
  for (const AppendEvents& append : record.operational) {
    EXPECT_EQ(append.status, absl::OkStatus());
    EXPECT_EQ(append.events[0].result, Result::kStored);
    EXPECT_EQ(append.stored_events, append.tenant == 2 ? 1 : 2);
  }
  EXPECT_EQ(record.operational[0].events[0].event->number, 2);
  EXPECT_EQ(record.operational[1].events[0].event->number, 1);
  EXPECT_THAT(record.stats, SizeIs(2));
  EXPECT_THAT(DueNumbers(watcher), ElementsAre(2));
  EXPECT_EQ(store().GetEvent(kDefaultTenant, 2)->type, "latchwire.delivery.dead");
}

TEST_P(StoreConformanceTest, AStaleEventTakesItsOutcomesBack) {
  const WebhookKey webhook = MakeWebhook();
  Publish({{}}, {webhook});
  RecordOutcomes record;
  record.outcomes = {OutcomeOf({webhook, 1}, 1, DeliveryState::kDead)};
  record.operational = {Publishing({{}}, {}, 2), Publishing({{}}, {webhook})};
  MakeWebhook();
  RecordOutcomes refused = Apply(record);
  EXPECT_THAT(refused.status, HasReason("STALE_GENERATION"));
  EXPECT_EQ(refused.outcomes[0].result, DeliveryOutcome::Result::kNotRecorded);
  EXPECT_EQ(refused.operational[0].events[0].result, Result::kNotStored);
  EXPECT_EQ(refused.operational[0].events[0].event->number, 0);
  EXPECT_THAT(refused.stats, IsEmpty());
  EXPECT_EQ(DeliveryAt({webhook, 1}).attempt_count, 0);
  EXPECT_FALSE(store().GetEvent(2, 1).ok());
  record.operational[1].generation = GenerationOf(kDefaultTenant);
  EXPECT_EQ(Apply(record).status, absl::OkStatus());
  EXPECT_EQ(DeliveryAt({webhook, 1}).state, DeliveryState::kDead);

  // One that finds a full queue is not stored, and says so; the outcomes are.
  Publish({{}}, {webhook});
  record.outcomes = {OutcomeOf({webhook, 2}, 1, DeliveryState::kPending)};
  record.operational = {Publishing({{}}, {webhook})};
  record.operational[0].events[0].targets[0].max_pending = 2;
  record = Apply(record);
  EXPECT_EQ(record.status, absl::OkStatus());
  EXPECT_EQ(record.outcomes[0].result, DeliveryOutcome::Result::kRecorded);
  EXPECT_THAT(record.operational[0].status, HasReason("QUEUE_FULL"));
  EXPECT_EQ(record.operational[0].events[0].result, Result::kNotStored);
}

TEST_P(StoreConformanceTest, AChangeOfAWebhookBringsItsEvent) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey watcher = MakeWebhook();
  UpdateWebhook update{store().LoadWebhooks({}, 1)->at(0)};
  update.webhook.state = WebhookState::kSuspended;
  update.operational = {Publishing({{}}, {watcher})};
  UpdateWebhook stale = update;
  stale.operational[0].generation -= 1;
  stale = Apply(stale);
  EXPECT_THAT(stale.status, HasReason("STALE_GENERATION"));
  EXPECT_EQ(store().LoadWebhooks({}, 1)->at(0).state, WebhookState::kActive);
  EXPECT_EQ(GenerationOf(kDefaultTenant), 2);

  update = Apply(update);
  EXPECT_EQ(update.status, absl::OkStatus());
  EXPECT_EQ(update.generation, 3);
  EXPECT_EQ(update.operational[0].status, absl::OkStatus());
  EXPECT_EQ(update.operational[0].events[0].event->number, 1);
  EXPECT_THAT(update.stats, SizeIs(1));
  EXPECT_THAT(DueNumbers(watcher), ElementsAre(1));
  EXPECT_EQ(store().LoadWebhooks({}, 1)->at(0).state, WebhookState::kSuspended);
  EXPECT_EQ(webhook.uid, 1);
}

}  // namespace
}  // namespace latchwire
