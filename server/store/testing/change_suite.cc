// What handles on one database tell each other.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Reads a store's feed, from where it was last time.
class Feed {
 public:
  explicit Feed(Store* store) : store_(*store) {}

  // Everything that is new.
  Changes Poll(int limit = 1000) {
    Changes all;
    for (bool more = true; more;) {
      const auto changes = store_.PollChanges(cursor_, limit);
      EXPECT_EQ(changes.status(), absl::OkStatus());
      if (!changes.ok()) break;
      EXPECT_LE(changes->tenants.size() + changes->work.size(), static_cast<size_t>(limit));
      EXPECT_GE(changes->next, cursor_);
      all.tenants.insert(all.tenants.end(), changes->tenants.begin(), changes->tenants.end());
      all.work.insert(all.work.end(), changes->work.begin(), changes->work.end());
      cursor_ = changes->next;
      more = changes->more;
    }
    return all;
  }
  // The tenants of a poll with their generations.
  std::vector<std::pair<TenantId, int64_t>> Tenants() {
    std::vector<std::pair<TenantId, int64_t>> tenants;
    for (const TenantChange& change : Poll().tenants) {
      tenants.emplace_back(change.tenant, change.generation);
    }
    return tenants;
  }
  std::vector<WebhookKey> Work() { return Poll().work; }

 private:
  Store& store_;
  ChangeCursor cursor_ = 0;
};

TEST_P(StoreConformanceTest, EveryChangeOfAConfigurationIsInTheFeed) {
  const auto other = OpenAnother();
  Feed feed(other.get());
  EXPECT_THAT(feed.Tenants(), IsEmpty());
  const WebhookKey webhook = MakeWebhook();
  EXPECT_THAT(feed.Tenants(), ElementsAre(std::pair(kDefaultTenant, 1)));
  EXPECT_THAT(feed.Tenants(), IsEmpty());

  EXPECT_EQ(Apply(UpdateWebhook{store().LoadWebhooks({}, 1)->at(0)}).generation, 2);
  EXPECT_THAT(feed.Tenants(), ElementsAre(std::pair(kDefaultTenant, 2)));
  UpdateTenant settings;
  settings.tenant = kDefaultTenant;
  EXPECT_EQ(Apply(settings).tenant.generation, 3);
  EXPECT_THAT(feed.Tenants(), ElementsAre(std::pair(kDefaultTenant, 3)));
  ApiKey key;
  key.tenant = kDefaultTenant;
  key.id = "AAAAAAAAAAAAAAA-";
  EXPECT_EQ(Apply(CreateApiKey{key}).generation, 4);
  EXPECT_THAT(feed.Tenants(), ElementsAre(std::pair(kDefaultTenant, 4)));
  EXPECT_EQ(Apply(DeleteApiKey{key.tenant, key.id}).generation, 5);
  EXPECT_THAT(feed.Tenants(), ElementsAre(std::pair(kDefaultTenant, 5)));
  EXPECT_EQ(Apply(DeleteWebhook{webhook}).generation, 6);
  EXPECT_THAT(feed.Tenants(), ElementsAre(std::pair(kDefaultTenant, 6)));
  EXPECT_EQ(Apply(CreateTenant()).tenant.id, 2);
  EXPECT_THAT(feed.Tenants(), ElementsAre(std::pair(2, 0)));
  EXPECT_EQ(GenerationOf(kDefaultTenant), 6);

  // What failed has changed nothing, and events are no configuration.
  EXPECT_FALSE(Apply(DeleteWebhook{webhook}).status.ok());
  EXPECT_FALSE(Apply(DeleteApiKey{key.tenant, key.id}).status.ok());
  Publish({{}});
  EXPECT_THAT(feed.Tenants(), IsEmpty());
}

TEST_P(StoreConformanceTest, ChangesAreListedOnceHoweverOften) {
  const auto other = OpenAnother();
  Feed feed(other.get());
  for (int i = 0; i < 5; ++i) {
    for (const TenantId tenant : {1, 2, 3}) MakeWebhook(WebhookOrdering::kNone, tenant);
  }
  // In pages, and whatever comes in between.
  const auto first = other->PollChanges(0, 2);
  ASSERT_EQ(first.status(), absl::OkStatus());
  EXPECT_TRUE(first->more);
  EXPECT_THAT(feed.Tenants(),
              UnorderedElementsAre(std::pair(1, 5), std::pair(2, 5), std::pair(3, 5)));
  MakeWebhook(WebhookOrdering::kNone, 2);
  Reopen();
  const auto rest = other->PollChanges(first->next, 1000);
  ASSERT_EQ(rest.status(), absl::OkStatus());
  std::vector<TenantId> tenants;
  for (const TenantChange& change : rest->tenants) tenants.push_back(change.tenant);
  EXPECT_THAT(tenants, testing::Contains(2));
  EXPECT_THAT(feed.Tenants(), ElementsAre(std::pair(2, 6)));
}

TEST_P(StoreConformanceTest, WorkForAnothersWebhooksIsInTheFeed) {
  const WebhookKey webhook = MakeWebhook();
  const WebhookKey quiet = MakeWebhook();
  const auto owner = OpenAnother();
  Feed feed(owner.get());
  EXPECT_THAT(feed.Work(), IsEmpty());
  const auto leases = ApplyTo(*owner, AcquireLeases{"owner", now_, absl::Hours(1000)});
  ASSERT_GT(leases.fences[static_cast<size_t>(PartitionOf(quiet))], 0);

  Publish({{}, {}}, {webhook});
  EXPECT_THAT(feed.Work(), ElementsAre(webhook));
  EXPECT_THAT(feed.Work(), IsEmpty());
  // The owner's own it knows of.
  EXPECT_EQ(ApplyTo(*owner, Publishing({{}}, {webhook})).status, absl::OkStatus());
  RecordOutcomes record;
  DeliveryOutcome& outcome = record.outcomes.emplace_back();
  outcome.key = {webhook, 1};
  outcome.state = DeliveryState::kDead;
  outcome.attempt.number = 1;
  outcome.fence = leases.fences[static_cast<size_t>(PartitionOf(webhook))];
  EXPECT_EQ(ApplyTo(*owner, record).status, absl::OkStatus());
  EXPECT_THAT(feed.Work(), IsEmpty());

  EXPECT_EQ(Apply(RetryDelivery{{webhook, 1}, now_}).status, absl::OkStatus());
  EXPECT_THAT(feed.Work(), ElementsAre(webhook));
  AppendPublished expiring = Publishing({{}}, {webhook});
  expiring.events[0].targets[0].expire_time = now_;
  EXPECT_EQ(ApplyTo(*owner, expiring).status, absl::OkStatus());
  EXPECT_EQ(Apply(ExpireDeliveries{now_}).expired_deliveries, 1);
  EXPECT_THAT(feed.Work(), ElementsAre(webhook));
}

TEST_P(StoreConformanceTest, WhatComesAfterAPurgeIsNotMissed) {
  const WebhookKey kept = MakeWebhook();
  const WebhookKey deleted = MakeWebhook();
  const AppendPublished append = Publishing({{}}, {deleted});
  const auto other = OpenAnother();
  Feed feed(other.get());
  // The newest change there is goes with its webhook.
  const std::vector<MutationResult> results = WriteAll({append, DeleteWebhook{deleted}});
  ASSERT_EQ(results[0].status(), absl::OkStatus());
  feed.Poll();
  EXPECT_FALSE(Apply(PurgeDeleted{}).more);
  Publish({{}}, {kept});
  EXPECT_THAT(feed.Work(), ElementsAre(kept));
}

TEST_P(StoreConformanceTest, WhoHasGivenALeaseAwayTellsItsNewHolder) {
  const WebhookKey webhook = MakeWebhook();
  const auto other = OpenAnother();
  Feed feed(other.get());
  Apply(AcquireLeases{"first", now_, absl::Seconds(10)});
  Publish({{}}, {webhook});
  EXPECT_THAT(feed.Work(), IsEmpty());
  ApplyTo(*other, AcquireLeases{"second", now_ + absl::Seconds(20), absl::Seconds(10)});
  Publish({{}}, {webhook});
  EXPECT_THAT(feed.Work(), ElementsAre(webhook));
}

TEST_P(StoreConformanceTest, AClosedHandleAnswersWithAnError) {
  const WebhookKey webhook = MakeWebhook();
  Publish({{"mine"}}, {webhook});
  const auto other = OpenAnother();
  EXPECT_EQ(other->Ready(), absl::OkStatus());
  other->Close();
  other->Close();
  const auto is_closed = [](const absl::Status& status) {
    EXPECT_THAT(status, HasReason("STORE_UNAVAILABLE"));
    EXPECT_THAT(status.message(), testing::HasSubstr("closed"));
  };
  is_closed(other->Ready());
  const Mutation mutations[] = {PurgeDeleted(), PurgeDeleted()};
  MutationResult results[2];
  is_closed(other->Write(mutations, absl::MakeSpan(results)));
  is_closed(results[0].status());
  is_closed(results[1].status());
  is_closed(other->Checkpoint());
  is_closed(other->PollChanges(0, 1).status());
  is_closed(other->LoadTenants().status());
  is_closed(other->GetTenant(kDefaultTenant).status());
  is_closed(other->LoadWebhooks({}, 1).status());
  is_closed(other->LoadApiKeys().status());
  is_closed(other->LoadStats({}, 1).status());
  is_closed(other->GetEvent(kDefaultTenant, 1).status());
  is_closed(other->FindEvent(kDefaultTenant, "mine").status());
  is_closed(other->ListEvents(kDefaultTenant, {}, 0, 1).status());
  is_closed(other->GetDelivery({webhook, 1}).status());
  is_closed(other->ListDeliveries(kDefaultTenant, {}, {}, 1).status());
  is_closed(other->ListAttempts({webhook, 1}, 0, 1).status());
  is_closed(other->LoadWork({}, 1).status());
  is_closed(other->LoadDue(webhook, now_, 1, {}).status());
  is_closed(other->LoadHeads(webhook, now_, 1, {}).status());
  is_closed(other->GetRecoveryJob(kDefaultTenant, "none").status());
  is_closed(other->ListRecoveryJobs(kDefaultTenant, 0, 1).status());
  is_closed(other->LoadRunningRecoveryJobs().status());
  // The database and the handles of others live on.
  EXPECT_EQ(store().Ready(), absl::OkStatus());
  EXPECT_THAT(Publish({{}}), ElementsAre(2));
}

TEST_P(StoreConformanceTest, OneTenantIsReadAsAllAre) {
  EXPECT_EQ(Apply(CreateTenant{TenantSettings(), now_}).tenant.id, 2);
  const auto tenants = store().LoadTenants();
  ASSERT_EQ(tenants->size(), 2u);
  for (const Tenant& each : *tenants) {
    const auto tenant = store().GetTenant(each.id);
    ASSERT_EQ(tenant.status(), absl::OkStatus());
    EXPECT_EQ(Describe(*tenant), Describe(each));
  }
  EXPECT_THAT(store().GetTenant(77).status(), HasReason("TENANT_NOT_FOUND"));
}

}  // namespace
}  // namespace latchwire
