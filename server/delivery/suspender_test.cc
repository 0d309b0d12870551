#include "server/delivery/suspender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/delivery/testing/part_world.h"

namespace latchwire {
namespace {

class SuspenderTest : public ::testing::Test {
 protected:
  WebhookKey Create(AutoSuspendPolicy policy = {}) {
    Webhook webhook;
    webhook.auto_suspend = policy;
    return world_.CreateWebhook(std::move(webhook));
  }
  std::shared_ptr<const Webhook> Find(WebhookKey key) {
    return world_.configuration.FindWebhook(key);
  }
  void SetState(WebhookKey key, WebhookState state) {
    Webhook webhook = *Find(key);
    webhook.state = state;
    world_.Write(UpdateWebhook{std::move(webhook)});
  }
  WebhookStats Failures(WebhookKey key, int64_t count, absl::Duration span) {
    WebhookStats stats;
    stats.key = key;
    stats.consecutive_failures = count;
    stats.last_failure_time = world_.clock.Now();
    stats.failing_since = stats.last_failure_time - span;
    stats.last_failure = "503";
    return stats;
  }
  int64_t suspended() const { return world_.counters.suspended_webhooks.load(); }

  PartWorld world_;
  OperationalEvents events_{&world_.clock, &world_.random, &world_.configuration};
  Suspender suspender_{&world_.executor,      &world_.clock, &world_.writer,
                       &world_.configuration, &events_,      &world_.counters};
};

TEST_F(SuspenderTest, SuspendsOnceCountAndSpanAreReached) {
  const WebhookKey key = Create({6, absl::Hours(24)});
  for (const WebhookStats& stats :
       {Failures(key, 5, absl::Hours(48)), Failures(key, 6, absl::Hours(23))}) {
    suspender_.SuspendIfFailing(*Find(key), stats);
    world_.executor.RunFor(absl::Seconds(1));
    EXPECT_EQ(Find(key)->state, WebhookState::kActive);
  }
  suspender_.SuspendIfFailing(*Find(key), Failures(key, 6, absl::Hours(24)));
  world_.executor.RunFor(absl::Seconds(1));
  EXPECT_EQ(Find(key)->state, WebhookState::kSuspended);
  EXPECT_THAT(Find(key)->state_reason, ::testing::HasSubstr("last failure 503"));
}

TEST_F(SuspenderTest, WithoutAPolicyItNeverSuspends) {
  const WebhookKey key = Create({0, absl::ZeroDuration()});
  suspender_.SuspendIfFailing(*Find(key), Failures(key, 1'000'000, absl::Hours(10'000)));
  world_.executor.RunFor(absl::Seconds(1));
  EXPECT_EQ(Find(key)->state, WebhookState::kActive);
}

TEST_F(SuspenderTest, SeveralReasonsAtOnceMakeOneSuspension) {
  const WebhookKey key = Create();
  suspender_.Suspend(key, "first");
  suspender_.Suspend(key, "second");
  world_.executor.RunFor(absl::Minutes(1));
  EXPECT_EQ(Find(key)->state_reason, "first");
  EXPECT_EQ(suspended(), 1);
  // And again after the user has resumed it.
  SetState(key, WebhookState::kActive);
  suspender_.Suspend(key, "third");
  world_.executor.RunFor(absl::Minutes(1));
  EXPECT_EQ(Find(key)->state_reason, "third");
}

TEST_F(SuspenderTest, AFullDiskOnlyDelaysIt) {
  const WebhookKey key = Create();
  world_.database->FailWrites(5, "disk full");
  suspender_.Suspend(key, "gone");
  world_.executor.RunFor(absl::Minutes(1));
  EXPECT_EQ(Find(key)->state, WebhookState::kSuspended);
}

TEST_F(SuspenderTest, WhatTheUserDecidedMeanwhileStays) {
  const WebhookKey paused = Create();
  SetState(paused, WebhookState::kPaused);
  suspender_.Suspend(paused, "gone");
  const WebhookKey deleted = Create();
  world_.database->FailWrites(1, "disk full");
  suspender_.Suspend(deleted, "gone");
  world_.executor.RunFor(absl::ZeroDuration());
  world_.Write(DeleteWebhook{deleted});
  world_.executor.RunFor(absl::Minutes(1));
  EXPECT_EQ(Find(paused)->state, WebhookState::kPaused);
  EXPECT_EQ(suspended(), 0);
}

TEST_F(SuspenderTest, TellsOtherWebhooksThatAskForIt) {
  const WebhookKey failing = Create();
  Webhook watcher;
  watcher.any_of = {{"latchwire.*.*", "", ""}};
  world_.CreateWebhook(watcher);
  suspender_.Suspend(failing, "gone");
  world_.executor.RunFor(absl::Minutes(1));
  EXPECT_EQ(world_.stats.StatsOf(failing).pending, 0) << "the suspended one cannot be told";
  EXPECT_EQ(world_.stats.Sum().sums.pending, 1);
}

}  // namespace
}  // namespace latchwire
