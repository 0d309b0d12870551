#include "server/delivery/webhook_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/delivery/testing/part_world.h"

namespace latchwire {
namespace {

TEST(WebhookTableTest, MakesEntriesOfWebhooksThatExist) {
  PartWorld world;
  world.OwnEverything();
  EXPECT_EQ(world.webhooks.FindOrMake({kDefaultTenant, 99}), nullptr);
  const WebhookKey key = world.CreateWebhook();
  EXPECT_EQ(world.webhooks.Find(key), nullptr);
  WebhookEntry* entry = world.webhooks.FindOrMake(key);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(world.webhooks.FindOrMake(key), entry);
  EXPECT_TRUE(world.webhooks.MayAttempt(*entry));
  entry->webhook = nullptr;  // deleted
  EXPECT_EQ(world.webhooks.FindOrMake(key), nullptr);
  EXPECT_FALSE(world.webhooks.MayAttempt(*entry));
}

TEST(WebhookTableTest, UntilAllWorkIsFoundTheStoreMayHoldSome) {
  PartWorld world;
  const WebhookKey early = world.CreateWebhook();
  EXPECT_EQ(world.Entry(early).queue->NextLoad(), absl::InfinitePast());
  world.OwnEverything();
  const WebhookKey late = world.CreateWebhook();
  EXPECT_EQ(world.Entry(late).queue->NextLoad(), absl::InfiniteFuture());
}

TEST(WebhookTableTest, NothingIsAttemptedThatIsNotOwned) {
  PartWorld world;
  const WebhookKey key = world.CreateWebhook();
  EXPECT_FALSE(world.webhooks.MayAttempt(world.Entry(key)));
  EXPECT_FALSE(world.webhooks.KeepsReady(world.Entry(key)));
}

TEST(WebhookTableTest, AnOpenBreakerKeepsNothingInMemory) {
  PartWorld world;
  world.OwnEverything();
  WebhookEntry& entry = world.Entry(world.CreateWebhook());
  entry.queue->Offer(world.Pending(entry.key, 1));
  const CircuitBreakerPolicy policy{1, absl::Seconds(5), absl::Seconds(5)};
  entry.breaker.Fail(entry.breaker.Start(), policy, world.clock.Monotonic());
  EXPECT_TRUE(world.webhooks.MayAttempt(entry));
  EXPECT_FALSE(world.webhooks.KeepsReady(entry));
  world.webhooks.DropReadyUnlessKept(entry);
  EXPECT_EQ(entry.queue->ready_count(), 0);
  world.webhooks.ShowBreaker(entry);
  EXPECT_EQ(world.stats.BreakerOf(entry.key).open_until, world.clock.Now() + absl::Seconds(5));
  EXPECT_EQ(world.counters.breakers_opened, 1);
}

TEST(WebhookTableTest, MemoryIsSharedFairly) {
  PartWorld world({.ready_per_webhook = 8, .ready_bytes = 1000});
  world.OwnEverything();
  WebhookEntry& greedy = world.Entry(world.CreateWebhook());
  WebhookEntry& other = world.Entry(world.CreateWebhook());
  greedy.queue->Offer(world.Pending(greedy.key, 1));  // more than half
  world.webhooks.Account(greedy);
  EXPECT_EQ(world.counters.ready_bytes, static_cast<int64_t>(greedy.queue->ready_bytes()));
  EXPECT_FALSE(world.webhooks.HasMemory(greedy));
  EXPECT_TRUE(world.webhooks.HasMemory(other));
  world.webhooks.SetSuspect(greedy, true);
  world.webhooks.SetSuspect(other, true);
  EXPECT_FALSE(world.webhooks.HasMemory(other)) << "suspects have half together";
  greedy.queue->DropReady();
  world.webhooks.Account(greedy);
  EXPECT_TRUE(world.webhooks.HasMemory(other));
}

TEST(WebhookTableTest, TheEntryOfADeletedWebhookGoesWhenNothingIsTaken) {
  PartWorld world;
  world.OwnEverything();
  WebhookEntry& entry = world.Entry(world.CreateWebhook());
  const WebhookKey key = entry.key;
  entry.queue->Offer(world.Pending(key, 1));
  PendingDelivery taken = entry.queue->Take(world.clock.Now());
  entry.webhook = nullptr;
  world.webhooks.EraseIfDone(entry);
  ASSERT_NE(world.webhooks.Find(key), nullptr);
  taken.delivery.state = DeliveryState::kDead;
  entry.queue->Settle(std::move(taken));
  world.webhooks.EraseIfDone(entry);
  EXPECT_EQ(world.webhooks.Find(key), nullptr);
}

TEST(WebhookEntryTest, RateAndBreakerSayWhenTheNextAttemptMayStart) {
  PartWorld world;
  Webhook webhook;
  webhook.rate_limit = {1, 1};
  webhook.guarantee = WebhookGuarantee::kBestEffort;
  WebhookEntry& entry = world.Entry(world.CreateWebhook(webhook));
  EXPECT_EQ(entry.MaxInFlight(), 1) << "whatever max_in_flight says";
  EXPECT_EQ(entry.GateTime(world.clock), absl::InfinitePast());
  entry.rate.Take(webhook.rate_limit, world.clock.Monotonic());
  EXPECT_EQ(entry.GateTime(world.clock), world.clock.Now() + absl::Seconds(1));
  EXPECT_FALSE(entry.CanStart(world.clock)) << "nothing is ready";
  EXPECT_FALSE(entry.Next(world.clock).rate_waits);
}

TEST(WebhookEntryTest, AProbeUnderWayHoldsAttemptsAndLoads) {
  PartWorld world;
  WebhookEntry& entry = world.Entry(world.CreateWebhook());
  entry.queue->Offer(world.Pending(entry.key, 1));
  EXPECT_TRUE(entry.CanStart(world.clock));
  entry.breaker = CircuitBreaker(CircuitBreakerPolicy{1, absl::Seconds(1), absl::Seconds(1)}, 1);
  EXPECT_TRUE(entry.CanStart(world.clock)) << "the probe";
  entry.breaker.Start();
  EXPECT_FALSE(entry.CanStart(world.clock));
  EXPECT_EQ(entry.Next(world.clock).attempt, absl::InfiniteFuture());
  EXPECT_EQ(entry.Next(world.clock).load, absl::InfiniteFuture());
}

}  // namespace
}  // namespace latchwire
