#include "server/delivery/commit_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/delivery/testing/part_world.h"

namespace latchwire {
namespace {

class CommitFeedTest : public ::testing::Test {
 protected:
  explicit CommitFeedTest(size_t max_posted_bytes = 1024 * 1024)
      : feed_({&world_.executor, &world_.clock, &world_.leases, &world_.webhooks, &world_.scheduler,
               &world_.counters},
              max_posted_bytes) {
    world_.writer.AddObserver(&feed_);
  }

  PartWorld world_;
  CommitFeed feed_;
};

TEST_F(CommitFeedTest, FreshDeliveriesGoStraightIntoMemory) {
  world_.OwnEverything();
  const WebhookKey webhook = world_.CreateWebhook();
  world_.StoreDeliveries(webhook, 3);
  WebhookEntry* entry = world_.webhooks.Find(webhook);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->queue->ready_count(), 3);
  EXPECT_EQ(entry->queue->NextLoad(), absl::InfiniteFuture()) << "the store has no more than that";
  EXPECT_EQ(world_.scheduler.dispatches, 1);
  EXPECT_EQ(entry->queue->Take(world_.clock.Now()).commit_time, world_.clock.Monotonic());
}

TEST_F(CommitFeedTest, WhatIsNotOwnedIsNobodysBusinessHere) {
  const WebhookKey webhook = world_.CreateWebhook();
  world_.StoreDeliveries(webhook, 1);
  EXPECT_EQ(world_.webhooks.Find(webhook), nullptr);
}

TEST_F(CommitFeedTest, BehindABreakerItIsLeftToTheStore) {
  world_.OwnEverything();
  const WebhookKey webhook = world_.CreateWebhook();
  WebhookEntry& entry = world_.Entry(webhook);
  entry.breaker = CircuitBreaker(CircuitBreakerPolicy{1, absl::Seconds(1), absl::Seconds(1)}, 1);
  world_.StoreDeliveries(webhook, 2);
  EXPECT_EQ(entry.queue->ready_count(), 0);
  EXPECT_EQ(entry.queue->NextLoad(), absl::InfinitePast());
}

TEST_F(CommitFeedTest, ARetryByHandTellsOfWorkInTheStore) {
  world_.OwnEverything();
  const WebhookKey webhook = world_.CreateWebhook();
  world_.StoreDeliveries(webhook, 1);
  WebhookEntry& entry = world_.Entry(webhook);
  entry.queue->Take(world_.clock.Now());
  entry.queue->Forget(world_.Pending(webhook, 1).delivery, absl::InfiniteFuture());
  world_.Write(RetryDelivery{{webhook, 1}, world_.clock.Now()});
  EXPECT_EQ(entry.queue->NextLoad(), absl::InfinitePast());
}

class FullCommitFeedTest : public CommitFeedTest {
 protected:
  FullCommitFeedTest() : CommitFeedTest(1) {}
};

TEST_F(FullCommitFeedTest, AnExecutorThatIsFarBehindLeavesItToTheStore) {
  world_.OwnEverything();
  const WebhookKey webhook = world_.CreateWebhook();
  world_.StoreDeliveries(webhook, 3);
  WebhookEntry& entry = world_.Entry(webhook);
  EXPECT_EQ(entry.queue->ready_count(), 1) << "the bound is looked at before each";
  EXPECT_EQ(entry.queue->NextLoad(), absl::InfinitePast());
}

}  // namespace
}  // namespace latchwire
