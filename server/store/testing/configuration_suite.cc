// Webhooks and API keys.
#include <set>

#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(StoreConformanceTest, ANewDatabaseHasTheDefaultTenant) {
  const auto tenants = store().LoadTenants();
  ASSERT_EQ(tenants.status(), absl::OkStatus());
  ASSERT_EQ(tenants->size(), 1);
  EXPECT_EQ((*tenants)[0].id, kDefaultTenant);
  EXPECT_EQ((*tenants)[0].generation, 0);
  EXPECT_THAT(*store().LoadWebhooks({}, 10), IsEmpty());
  EXPECT_THAT(*store().LoadApiKeys(), IsEmpty());
}

TEST_P(StoreConformanceTest, WebhooksComeBackExactly) {
  Webhook webhook = SampleWebhook(kDefaultTenant);
  webhook.ordering = WebhookOrdering::kBySubject;
  webhook.guarantee = WebhookGuarantee::kBestEffort;
  const auto created = Apply(CreateWebhook{webhook});
  EXPECT_EQ(created.status, absl::OkStatus());
  EXPECT_EQ(created.generation, 1);
  webhook.key.uid = 1;
  webhook.revision = 1;
  EXPECT_EQ(Describe(*created.webhook), Describe(webhook));
  Webhook bare;
  bare.key.tenant = 3;
  bare.id = "b";
  bare.retry_policy.delays.clear();
  bare = *Apply(CreateWebhook{bare}).webhook;

  Reopen();
  const auto webhooks = store().LoadWebhooks({}, 10);
  ASSERT_EQ(webhooks.status(), absl::OkStatus());
  ASSERT_EQ(webhooks->size(), 2);
  EXPECT_EQ(Describe((*webhooks)[0]), Describe(webhook));
  EXPECT_EQ(Describe((*webhooks)[1]), Describe(bare));
  EXPECT_EQ(bare.key, (WebhookKey{3, 1}));
  EXPECT_EQ(GenerationOf(kDefaultTenant), 1);
  EXPECT_EQ(GenerationOf(3), 1);
}

TEST_P(StoreConformanceTest, AWebhookIdIsUniqueInItsTenant) {
  const Webhook webhook = SampleWebhook(kDefaultTenant);
  const auto created = Apply(CreateWebhook{webhook});
  EXPECT_THAT(Apply(CreateWebhook{webhook}).status, HasReason("WEBHOOK_ALREADY_EXISTS"));
  Webhook elsewhere = webhook;
  elsewhere.key.tenant = 2;
  EXPECT_EQ(Apply(CreateWebhook{elsewhere}).status, absl::OkStatus());
  EXPECT_EQ(Apply(DeleteWebhook{created.webhook->key}).status, absl::OkStatus());
  EXPECT_EQ(Apply(CreateWebhook{webhook}).status, absl::OkStatus());
  EXPECT_EQ(GenerationOf(kDefaultTenant), 3);  // what failed has moved nothing
}

TEST_P(StoreConformanceTest, UidsAreNeverUsedAgain) {
  EXPECT_EQ(MakeWebhook().uid, 1);
  EXPECT_EQ(MakeWebhook().uid, 2);
  Apply(DeleteWebhook{{kDefaultTenant, 2}});
  Apply(PurgeDeleted{});
  Reopen();
  EXPECT_EQ(MakeWebhook().uid, 3);
  EXPECT_EQ(MakeWebhook(WebhookOrdering::kNone, 2).uid, 1);
}

TEST_P(StoreConformanceTest, UpdatesCheckTheRevision) {
  Webhook webhook = *Apply(CreateWebhook{SampleWebhook(kDefaultTenant)}).webhook;
  Webhook first = webhook;
  first.url = "https://example.com/first";
  first.any_of.clear();
  first.state = WebhookState::kDisabled;
  const auto updated = Apply(UpdateWebhook{first});
  EXPECT_EQ(updated.status, absl::OkStatus());
  EXPECT_EQ(updated.webhook->revision, 2);
  EXPECT_EQ(updated.generation, 2);
  Webhook second = webhook;
  second.url = "https://example.com/second";
  EXPECT_THAT(Apply(UpdateWebhook{second}).status, HasReason("ETAG_MISMATCH"));
  EXPECT_EQ(GenerationOf(kDefaultTenant), 2);
  first.revision = 2;
  EXPECT_EQ(Describe(store().LoadWebhooks({}, 1)->at(0)), Describe(first));
  second.key.uid = 9;
  EXPECT_THAT(Apply(UpdateWebhook{second}).status, HasReason("WEBHOOK_NOT_FOUND"));
}

TEST_P(StoreConformanceTest, IdOrderingAndGuaranteeStayWhatTheyAre) {
  const Webhook webhook = *Apply(CreateWebhook{SampleWebhook(kDefaultTenant)}).webhook;
  Webhook changed = webhook;
  changed.id = "another";
  changed.ordering = WebhookOrdering::kBySubject;
  changed.guarantee = WebhookGuarantee::kBestEffort;
  const auto updated = Apply(UpdateWebhook{changed});
  EXPECT_EQ(updated.webhook->id, webhook.id);
  EXPECT_EQ(updated.webhook->ordering, WebhookOrdering::kNone);
  EXPECT_EQ(updated.webhook->guarantee, WebhookGuarantee::kAtLeastOnce);
  EXPECT_EQ(Describe(store().LoadWebhooks({}, 1)->at(0)), Describe(*updated.webhook));
}

TEST_P(StoreConformanceTest, DeletesCheckTheRevisionIfAsked) {
  const WebhookKey key = MakeWebhook();
  EXPECT_THAT(Apply(DeleteWebhook{key, 2}).status, HasReason("ETAG_MISMATCH"));
  const auto deleted = Apply(DeleteWebhook{key, 1});
  EXPECT_EQ(deleted.status, absl::OkStatus());
  EXPECT_EQ(deleted.generation, 2);
  EXPECT_THAT(Apply(DeleteWebhook{key}).status, HasReason("WEBHOOK_NOT_FOUND"));
  EXPECT_THAT(*store().LoadWebhooks({}, 10), IsEmpty());
}

TEST_P(StoreConformanceTest, ADeletedWebhooksDeliveriesNeverComeBack) {
  const WebhookKey deleted = MakeWebhook();
  const WebhookKey ordered = MakeWebhook(WebhookOrdering::kBySubject);
  const WebhookKey kept = MakeWebhook();
  for (int i = 0; i < 10; ++i) Publish({{}, {}}, {deleted, ordered, kept});
  for (int64_t number = 1; number <= 20; ++number) {
    for (const WebhookKey& key : {deleted, kept}) {
      Record(OutcomeOf({key, number}, 1, DeliveryState::kPending));
      Record(OutcomeOf({key, number}, 2, DeliveryState::kPending));
    }
  }
  Apply(DeleteWebhook{deleted});
  Apply(DeleteWebhook{ordered});

  const auto check = [&] {
    EXPECT_THAT(DueNumbers(deleted), IsEmpty());
    EXPECT_EQ(store().LoadDue(deleted, now_, 10, {})->next_due, absl::InfiniteFuture());
    EXPECT_THAT(store().LoadHeads(ordered, now_, 10, {})->deliveries, IsEmpty());
    ASSERT_EQ(store().LoadWork({}, 10)->size(), 1);
    EXPECT_EQ(store().LoadWork({}, 10)->at(0).webhook, kept);
    DeliveryFilter of_deleted;
    of_deleted.webhook_uid = deleted.uid;
    EXPECT_THAT(store().ListDeliveries(kDefaultTenant, of_deleted, {}, 100)->deliveries, IsEmpty());
    EXPECT_EQ(store().ListDeliveries(kDefaultTenant, {}, {}, 100)->deliveries.size(), 20);
    EXPECT_FALSE(store().GetDelivery({deleted, 1}).ok());
    EXPECT_FALSE(store().ListAttempts({deleted, 1}, 0, 10).ok());
    EXPECT_EQ(store().ListAttempts({kept, 20}, 0, 10)->size(), 2);
  };
  check();
  int steps = 0;
  bool more = true;
  while (more) {
    const auto purged = Apply(PurgeDeleted{7});
    ASSERT_EQ(purged.status, absl::OkStatus());
    ASSERT_LT(++steps, 100);
    check();
    more = purged.more;
  }
  EXPECT_GE(steps, 5);
  EXPECT_FALSE(Apply(PurgeDeleted{}).more);
  Reopen();
  check();
  EXPECT_EQ(store().ListEvents(kDefaultTenant, {}, 0, 100)->events.size(), 20);
}

TEST_P(StoreConformanceTest, ApiKeys) {
  ApiKey admin;
  admin.tenant = kDefaultTenant;
  admin.id = "AAAAAAAAAAAAAAA-";
  admin.secret_hash = std::string("\0\xff", 2) + std::string(30, 'x');
  admin.role = Role::kAdmin;
  admin.display_name = "bootstrap";
  admin.create_time = now_;
  ApiKey agent = admin;
  agent.tenant = 5;
  agent.id = "BBBBBBBBBBBBBBB_";
  agent.role = Role::kAgent;
  agent.agent = "a1";
  EXPECT_EQ(Apply(CreateApiKey{admin}).status, absl::OkStatus());
  EXPECT_EQ(Apply(CreateApiKey{agent}).status, absl::OkStatus());
  ApiKey same_id = agent;
  same_id.tenant = 6;
  EXPECT_FALSE(Apply(CreateApiKey{same_id}).status.ok());
  Reopen();
  const auto keys = store().LoadApiKeys();
  ASSERT_EQ(keys.status(), absl::OkStatus());
  std::multiset<std::string> found;
  for (const ApiKey& key : *keys) found.insert(Describe(key));
  EXPECT_THAT(found, testing::UnorderedElementsAre(Describe(admin), Describe(agent)));
  EXPECT_EQ(store().LoadTenants()->size(), 2);

  DeleteApiKey del{kDefaultTenant, agent.id};
  EXPECT_THAT(Apply(del).status, HasReason("API_KEY_NOT_FOUND"));  // another tenant's
  del.tenant = 5;
  EXPECT_EQ(Apply(del).status, absl::OkStatus());
  EXPECT_THAT(Apply(del).status, HasReason("API_KEY_NOT_FOUND"));
  EXPECT_EQ(store().LoadApiKeys()->size(), 1);
}

}  // namespace
}  // namespace latchwire
