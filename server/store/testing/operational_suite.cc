// Events about outcomes and changes, stored with them or not at all.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = AppendResult::Kind;

TEST_P(StoreConformanceTest, OutcomesBringTheirEvents) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey watcher = MakeWebhook();
  Publish({{}}, {webhook});
  RecordOutcomes record;
  record.outcomes = {OutcomeOf({webhook, 1}, 1, DeliveryState::kDead)};
  EventSpec about;
  about.type = "latchwire.delivery.dead";
  record.operational = {Publishing({about}, {watcher}), Publishing({about}, {}, 2)};
  const auto recorded = Apply(record);
  EXPECT_EQ(recorded.status, absl::OkStatus());
  ASSERT_THAT(recorded.operational, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    const absl::StatusOr<AppendResult>& append = recorded.operational[i];
    ASSERT_EQ(append.status(), absl::OkStatus());
    EXPECT_EQ(append->events[0].kind, Kind::kStored);
    EXPECT_EQ(append->stored_events, record.operational[i].tenant == 2 ? 1 : 2);
  }
  EXPECT_EQ(recorded.operational[0]->events[0].number, 2);
  EXPECT_EQ(recorded.operational[1]->events[0].number, 1);
  EXPECT_THAT(recorded.stats, SizeIs(2));
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
  EXPECT_THAT(Apply(record).status, HasReason("STALE_GENERATION"));
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
  const auto recorded = Apply(record);
  EXPECT_EQ(recorded.status, absl::OkStatus());
  EXPECT_THAT(recorded.outcomes, ElementsAre(RecordOutcomes::Recorded::kRecorded));
  EXPECT_THAT(recorded.operational[0].status(), HasReason("QUEUE_FULL"));
}

TEST_P(StoreConformanceTest, AChangeOfAWebhookBringsItsEvent) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey watcher = MakeWebhook();
  UpdateWebhook update{store().LoadWebhooks({}, 1)->at(0)};
  update.webhook.state = WebhookState::kSuspended;
  update.operational = {Publishing({{}}, {watcher})};
  UpdateWebhook stale = update;
  stale.operational[0].generation -= 1;
  EXPECT_THAT(Apply(stale).status, HasReason("STALE_GENERATION"));
  EXPECT_EQ(store().LoadWebhooks({}, 1)->at(0).state, WebhookState::kActive);
  EXPECT_EQ(GenerationOf(kDefaultTenant), 2);

  const auto updated = Apply(update);
  EXPECT_EQ(updated.status, absl::OkStatus());
  EXPECT_EQ(updated.generation, 3);
  ASSERT_EQ(updated.operational[0].status(), absl::OkStatus());
  EXPECT_EQ(updated.operational[0]->events[0].number, 1);
  EXPECT_THAT(updated.stats, SizeIs(1));
  EXPECT_THAT(DueNumbers(watcher), ElementsAre(1));
  EXPECT_EQ(store().LoadWebhooks({}, 1)->at(0).state, WebhookState::kSuspended);
  EXPECT_EQ(webhook.uid, 1);
}

}  // namespace
}  // namespace latchwire
