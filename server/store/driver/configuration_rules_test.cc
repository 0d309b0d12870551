#include "server/store/driver/configuration_rules.h"

#include "core/base/error.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'767'225'600);

TEST(ConfigurationRulesTest, ANewWebhookGetsItsUidAndItsFirstRevision) {
  CreateWebhook create;
  create.webhook.key = {3, 99};
  create.webhook.revision = 8;
  create.webhook.create_time = kNow + absl::Nanoseconds(1);
  const Webhook webhook = NewWebhook(create, 7);
  EXPECT_EQ(webhook.key, (WebhookKey{3, 7}));
  EXPECT_EQ(webhook.revision, 1);
  EXPECT_EQ(webhook.create_time, kNow);
}

TEST(ConfigurationRulesTest, TheQuotaIsReachedNotPassed) {
  CreateWebhook create;
  EXPECT_TRUE(CheckWebhookQuota(create, 1000).ok()) << "none";
  create.max_webhooks = 2;
  EXPECT_TRUE(CheckWebhookQuota(create, 1).ok());
  EXPECT_EQ(ReasonOf(CheckWebhookQuota(create, 2)), "QUOTA_EXCEEDED");
}

TEST(ConfigurationRulesTest, AChangeKeepsWhatCannotChange) {
  Webhook stored;
  stored.id = "id";
  stored.revision = 4;
  stored.ordering = WebhookOrdering::kBySubject;
  stored.guarantee = WebhookGuarantee::kBestEffort;
  UpdateWebhook update;
  update.webhook.id = "other";
  update.webhook.url = "https://example.com/";
  update.webhook.revision = 3;
  EXPECT_EQ(ReasonOf(ChangedWebhook(update, stored).status()), "ETAG_MISMATCH");
  update.webhook.revision = 4;
  const auto changed = ChangedWebhook(update, stored);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->id, "id");
  EXPECT_EQ(changed->ordering, WebhookOrdering::kBySubject);
  EXPECT_EQ(changed->guarantee, WebhookGuarantee::kBestEffort);
  EXPECT_EQ(changed->url, "https://example.com/");
  EXPECT_EQ(changed->revision, 5);
}

TEST(ConfigurationRulesTest, FailuresStartAnewWhenItBecomesActive) {
  Webhook paused, active;
  paused.state = WebhookState::kPaused;
  EXPECT_TRUE(StartsAnew(paused, active));
  EXPECT_FALSE(StartsAnew(active, active));
  EXPECT_FALSE(StartsAnew(active, paused));
  WebhookStats stats;
  stats.consecutive_failures = 3;
  stats.failing_since = kNow;
  stats.last_failure = "503";
  ClearFailures(&stats);
  EXPECT_EQ(stats.consecutive_failures, 0);
  EXPECT_EQ(stats.failing_since, absl::InfinitePast());
  EXPECT_EQ(stats.last_failure, "503") << "that it was so stays known";
}

TEST(ConfigurationRulesTest, RevisionsAreCheckedWhereTheyAreGiven) {
  Webhook stored;
  stored.revision = 4;
  EXPECT_TRUE(CheckDelete({{1, 1}, 0}, stored).ok());
  EXPECT_TRUE(CheckDelete({{1, 1}, 4}, stored).ok());
  EXPECT_EQ(ReasonOf(CheckDelete({{1, 1}, 3}, stored)), "ETAG_MISMATCH");
  UpdateTenant update;
  EXPECT_TRUE(CheckRevision(update, 4).ok());
  update.revision = 3;
  EXPECT_EQ(ReasonOf(CheckRevision(update, 4)), "ETAG_MISMATCH");
}

TEST(ConfigurationRulesTest, ALeaseChangesHandsWithAHigherFence) {
  const AcquireLeases a{"a", kNow, absl::Seconds(10)};
  Lease lease;
  EXPECT_TRUE(Grant(a, &lease));
  EXPECT_EQ(lease.fence, 1);
  EXPECT_EQ(lease.expire_time, kNow + absl::Seconds(10));
  EXPECT_FALSE(Grant({"b", kNow + absl::Seconds(9), absl::Seconds(10)}, &lease));
  EXPECT_EQ(lease.owner, "a");
  // Prolonged: the same fence, also late, if nobody else came.
  EXPECT_TRUE(Grant({"a", kNow + absl::Seconds(60), absl::Seconds(10)}, &lease));
  EXPECT_EQ(lease.fence, 1);
  EXPECT_TRUE(Grant({"b", kNow + absl::Seconds(70), absl::Seconds(10)}, &lease));
  EXPECT_EQ(lease.fence, 2);
  EXPECT_EQ(lease.owner, "b");
  // Given up: free at once.
  lease.owner.clear();
  EXPECT_TRUE(Grant({"a", kNow + absl::Seconds(71), absl::Seconds(10)}, &lease));
  EXPECT_EQ(lease.fence, 3);
}

TEST(ConfigurationRulesDeathTest, ALeaseHasAnOwner) {
  Lease lease;
  EXPECT_DEATH(Grant({"", kNow, absl::Seconds(1)}, &lease), "check failed");
}

}  // namespace
}  // namespace latchwire
